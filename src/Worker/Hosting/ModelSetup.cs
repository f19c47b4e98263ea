using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.Telemetry;

namespace VlWorker.Hosting;

/// <summary>Loads each device's copies of its models, and tries those that are to be loaded on demand.</summary>
internal sealed class ModelSetup(InferenceOptions options, BatchingOptions batching, WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    private readonly ModelOptimizer _optimizer = new(options.ModelCache.Length > 0 ? options.ModelCache : ModelOptimizer.DefaultCache, logger);
    private readonly Dictionary<(string Path, ModelPrecision Precision), string> _revisions = [];

    /// <summary>Loads all models on all devices.</summary>
    /// <exception cref="StartupException">A device can't be used, and nothing may take over from it; or a model needs more memory than all may have.</exception>
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
        var loaded = new List<(ModelCopy Copy, IModel Model)>();
        ModelRoom room;
        try
        {
            // What stays comes first: the others share what it leaves.
            Add(ModelLoad.AtStart);
            room = new ModelRoom(options.ModelMemoryBytes, plan.Select(device => device.Name));
            Add(ModelLoad.OnDemand);
            loaded = [.. copies.Select(copy => loaded.First(entry => entry.Copy == copy))];
            foreach (var alias in loaded.GroupBy(entry => entry.Copy.Options.Alias, StringComparer.Ordinal))
                ModelCopies.Check([.. alias.Select(entry => entry.Model)], alias.First().Copy.Folder.Path);
            CheckMemory([.. loaded.Select(entry => entry.Model).OfType<OnDemandCopy>()]);
        }
        catch
        {
            loaded.ForEach(entry => entry.Model.Dispose());
            throw;
        }

        return Register(plan, loaded, room);

        void Add(ModelLoad when)
        {
            foreach (var copy in copies.Where(copy => copy.Options.Load == when))
                loaded.Add((copy, Load(copy, references[copy.Options.Alias])));
        }
    }

    private ModelRegistry Register(IReadOnlyList<PlannedDevice> plan, List<(ModelCopy Copy, IModel Model)> loaded, ModelRoom room)
    {
        var models = loaded.ToLookup(entry => entry.Copy.Device.Name, entry => entry.Model);
        var onDemand = loaded.Select(entry => entry.Model).OfType<OnDemandCopy>().GroupBy(copy => copy.Reference.Alias, StringComparer.Ordinal)
            .Select(copies => new PooledModel([.. copies])).ToList();
        return new ModelRegistry(
            [.. plan.Select(device => new Device(device.Name.ToString(), device.Spec.Streams, device.Spec.MaxBatch, [.. models[device.Name]]))],
            [.. options.Models.Select(model => model.Alias)])
        {
            Loaded = [.. loaded.Select(entry => Describe(entry.Copy, entry.Model))],
            Shares = options.Models.Where(model => model.MaxInFlight > 0).DistinctBy(model => model.Alias, StringComparer.Ordinal)
                .ToDictionary(model => model.Alias, model => new ModelShare(model.Alias, model.MaxInFlight), StringComparer.Ordinal),
            Pool = onDemand.Count == 0 ? null : new ModelPool(onDemand, options, room, metrics, time, logger),
        };
    }

    private static LoadedModel Describe(ModelCopy copy, IModel model) => new(
        model.Reference.Alias,
        model.Reference.Revision,
        model.Tasks,
        copy.Device.Name.ToString(),
        copy.Folder.Manifest?.Precision ?? copy.Folder.Precision.ToString().ToLowerInvariant(),
        copy.Folder.Manifest is not null,
        (model as OnDemandCopy)?.Bytes);

    private ModelCopy Open(DeviceSpec device, ModelOptions model)
    {
        var folder = _optimizer.Choose(ModelFolder.Open(ResourcePath.Resolve(model.Folder), model.Precision), model, device);
        var key = (folder.Path, folder.Precision);
        // Reading the files for the hash also brings them into the page cache, from where the engine reads them next.
        if (!_revisions.TryGetValue(key, out var revision))
            _revisions.Add(key, revision = folder.ComputeRevision());
        return new ModelCopy(device, model, folder, revision);
    }

    private IModel Load(ModelCopy copy, ModelReference reference)
    {
        var started = time.GetTimestamp();
        var model = copy.Options.Load == ModelLoad.OnDemand ? Try(copy, reference) : copy.Load(reference);
        var took = time.GetElapsedTime(started);
        metrics.ModelLoaded(reference.Alias, copy.Device.Name.ToString(), took);
        if (model is OnDemandCopy onDemand)
        {
            Log.ModelTried(logger, reference.Alias, reference.Revision, copy.Device.Name, onDemand.Bytes / 1e6, took.TotalSeconds);
            return model;
        }

        metrics.Models.Loaded(reference.Alias, copy.Device.Name.ToString());
        Log.ModelLoaded(logger, reference.Alias, reference.Revision, copy.Device.Name, took.TotalSeconds);
        return model;
    }

    /// <summary>A folder that is broken shows now, and not by the first request; and what the model takes must be known before it has to share.</summary>
    private static OnDemandCopy Try(ModelCopy copy, ModelReference reference)
    {
        try
        {
            var bytes = ModelFootprint.Measure(() => copy.Load(reference), copy.GraphBytes, copy.Device, out var model);
            return new OnDemandCopy(copy.Device.Name, bytes, model, () => copy.Reload(reference));
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException(copy.Folder.Path, [error.Message]);
        }
    }

    private void CheckMemory(IReadOnlyList<OnDemandCopy> copies)
    {
        var limit = options.ModelMemoryBytes == 0 ? long.MaxValue : options.ModelMemoryBytes;
        var errors = copies.Where(copy => copy.Bytes > limit)
            .Select(copy => $"Inference:ModelMemoryBytes is {limit}, and '{copy.Reference.Alias}' alone takes {copy.Bytes} bytes on {copy.Device}").ToList();
        if (errors.Count > 0)
            throw new StartupException(errors);
    }
}
