using VlWorker.Inference.Engine;
using VlWorker.Telemetry;

namespace VlWorker.Inference.OnDemand;

/// <summary>Loads and unloads the copies of a model, and tells of it. Blocks for as long as that takes.</summary>
internal sealed class ModelSwap(WorkerMetrics metrics, TimeProvider time, ILogger logger)
{
    /// <summary>Loads all copies or none.</summary>
    public void Load(PooledModel model)
    {
        var started = time.GetTimestamp();
        try
        {
            foreach (var copy in model.Copies)
            {
                var before = time.GetTimestamp();
                copy.Load();
                metrics.ModelLoaded(model.Alias, copy.Device, time.GetElapsedTime(before));
                metrics.Models.Loaded(copy.Reference.Alias, copy.Device, copy.Bytes);
            }
        }
        catch (Exception error)
        {
            foreach (var copy in model.Copies)
            {
                copy.Unload();
                metrics.Models.Unloaded(model.Alias, copy.Device);
            }

            metrics.Models.LoadFailed(model.Alias);
            Log.LoadFailed(logger, model.Alias, error.Message);
            throw;
        }

        metrics.Models.CountLoad(model.Alias);
        var took = time.GetElapsedTime(started);
        Log.Loaded(logger, model.Alias, took.TotalSeconds);
    }

    /// <summary>Gives the memory of all copies back to the system.</summary>
    public void Unload(PooledModel model, string reason)
    {
        var before = Environment.WorkingSet;
        foreach (var copy in model.Copies)
        {
            Unload(copy);
            metrics.Models.Unloaded(model.Alias, copy.Device);
        }

        // A model's tokenizer and what reading its files left are many megabytes, which would lie about until the runtime collects by itself.
        MemoryTrim.Heaps();
        metrics.Models.CountUnload(model.Alias, reason);
        var after = Environment.WorkingSet;
        Log.Unloaded(logger, model.Alias, reason, before / 1e6, after / 1e6);
    }

    private void Unload(OnDemandCopy copy)
    {
        if (copy.Where.Kind == DeviceKind.Cpu)
        {
            copy.Unload();
            return;
        }

        var before = DeviceMemory.InUse(copy.Where);
        copy.Unload();
        var after = DeviceMemory.InUse(copy.Where);
        Log.LeftDevice(logger, copy.Reference.Alias, copy.Where, before / 1e6, after / 1e6);
    }
}
