using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Failures;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Cuda;

/// <summary>A model's lanes. Owns them; lends each to one thread at a time.</summary>
internal sealed class LanePool<T> : IDisposable
    where T : class, IDisposable
{
    private readonly IReadOnlyList<T> _all;
    private readonly BlockingCollection<T> _free = [];

    private LanePool(IReadOnlyList<T> lanes)
    {
        _all = lanes;
        foreach (var lane in lanes)
            _free.Add(lane);
    }

    /// <summary>The first lane.</summary>
    public T First => _all[0];

    /// <summary>Makes lanes for the largest batch that fits: half of the one before, until it does.</summary>
    /// <param name="settings">How many, and how large a batch to begin with.</param>
    /// <param name="make">Makes a lane that is ready for its largest batch.</param>
    /// <returns>The lanes, and that batch.</returns>
    /// <exception cref="OutOfDeviceMemoryException">Not even a batch of one fits.</exception>
    public static (LanePool<T> Lanes, int MaxBatch) Fit(CudaSettings settings, Func<CudaSettings, T> make)
    {
        for (var batch = settings.MaxBatch; ; batch = (batch + 1) / 2)
        {
            var lanes = new List<T>();
            try
            {
                for (var i = 0; i < settings.Lanes; i++)
                    lanes.Add(make(settings with { MaxBatch = batch }));
                return (new LanePool<T>(lanes), batch);
            }
            catch (Exception error) when (batch > 1 && NoMemory(error))
            {
                lanes.ForEach(lane => lane.Dispose());
            }
            catch
            {
                lanes.ForEach(lane => lane.Dispose());
                throw;
            }
        }
    }

    /// <summary>Runs something on a lane, once one is free.</summary>
    public void Run(Action<T> run)
    {
        var lane = _free.Take();
        try
        {
            run(lane);
        }
        finally
        {
            _free.Add(lane);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var lane in _all)
            lane.Dispose();
        _free.Dispose();
    }

    private static bool NoMemory(Exception error) => error is OutOfDeviceMemoryException
        || (error is OnnxRuntimeException failure && EngineFaults.Of(failure) is OutOfDeviceMemoryException);
}
