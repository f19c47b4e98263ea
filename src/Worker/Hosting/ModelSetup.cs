using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.Telemetry;

namespace VlWorker.Hosting;

/// <summary>Loads each device's copies of its models.</summary>
internal sealed class ModelSetup(InferenceOptions options, BatchingOptions batching, WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly ModelOptimizer _optimizer = new(options.ModelCache.Length > 0 ? options.ModelCache : ModelOptimizer.DefaultCache, logger);
    private readonly Dictionary<(string Path, ModelPrecision Precision), string> _revisions = [];

    /// <summary>Loads all models on all devices.</summary>
    /// <exception cref="StartupException">A device can't be used, and nothing may take over from it.</exception>
    /// <exception cref="ModelFolderException">A model can't be loaded.</exception>
    public ModelRegistry Load()
    {
        var plan = new DevicePlan(options, batching).Resolve(CudaDevice.Problem, (device, problem) => Log.FallsBack(logger, device, problem));
        var copies = plan.SelectMany(device => device.Models.Select(model => Open(device.Spec, model))).ToList();
        var references = copies.GroupBy(copy => copy.Options.Alias, StringComparer.Ordinal).ToDictionary(
            group => group.Key,
            group => ModelCopies.Reference(
                group.Key, [.. group.Select(copy => (copy.Device.Name, copy.Folder, copy.Revision, copy.Options.AllowMixedRevisions))]),
            StringComparer.Ordinal);
        var loaded = new List<(Copy Copy, IModel Model)>();
        try
        {
            foreach (var copy in copies)
                loaded.Add((copy, Load(copy, references[copy.Options.Alias])));
            foreach (var alias in loaded.GroupBy(entry => entry.Copy.Options.Alias, StringComparer.Ordinal))
                ModelCopies.Check([.. alias.Select(entry => entry.Model)], alias.First().Copy.Folder.Path);
        }
        catch
        {
            loaded.ForEach(entry => entry.Model.Dispose());
            throw;
        }

        var models = loaded.ToLookup(entry => entry.Copy.Device.Name, entry => entry.Model);
        return new ModelRegistry(
            [.. plan.Select(device => new Device(device.Name.ToString(), device.Spec.Streams, device.Spec.MaxBatch, [.. models[device.Name]]))],
            [.. options.Models.Select(model => model.Alias)])
        {
            Loaded = [.. loaded.Select(entry => Describe(entry.Copy, entry.Model))],
        };
    }

    private static LoadedModel Describe(Copy copy, IModel model) => new(
        model.Reference.Alias,
        model.Reference.Revision,
        model.Tasks,
        copy.Device.Name.ToString(),
        copy.Folder.Manifest?.Precision ?? copy.Folder.Precision.ToString().ToLowerInvariant(),
        copy.Folder.Manifest is not null);

    private Copy Open(DeviceSpec device, ModelOptions model)
    {
        var folder = _optimizer.Choose(ModelFolder.Open(ResourcePath.Resolve(model.Folder), model.Precision), model, device);
        var key = (folder.Path, folder.Precision);
        // Reading the files for the hash also brings them into the page cache, from where the engine reads them next.
        if (!_revisions.TryGetValue(key, out var revision))
            _revisions.Add(key, revision = folder.ComputeRevision());
        return new Copy(device, model, folder, revision);
    }

    private IModel Load(Copy copy, ModelReference reference)
    {
        var started = time.GetTimestamp();
        var model = ModelLoader.Load(reference, copy.Folder, copy.Options, copy.Device);
        var took = time.GetElapsedTime(started);
        metrics.ModelLoaded(reference.Alias, copy.Device.Name.ToString(), took);
        Log.ModelLoaded(logger, reference.Alias, reference.Revision, copy.Device.Name, took.TotalSeconds);
        return model;
    }

    private sealed record Copy(DeviceSpec Device, ModelOptions Options, ModelFolder Folder, string Revision);
}
