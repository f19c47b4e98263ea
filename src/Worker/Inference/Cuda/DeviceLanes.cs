using VlWorker.Failures;

namespace VlWorker.Inference.Cuda;

/// <summary>A model's lanes on a GPU, each with a batch under way, and the context that they live in. Called from several threads at a time.</summary>
/// <typeparam name="T">A lane.</typeparam>
internal sealed class DeviceLanes<T> : IDisposable
    where T : class, IDisposable
{
    private readonly CudaContext _context;
    private readonly LanePool<T> _lanes;

    private DeviceLanes(CudaContext context, LanePool<T> lanes, int maxBatch) => (_context, _lanes, MaxBatch) = (context, lanes, maxBatch);

    /// <summary>Rows of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch { get; }

    /// <summary>The first lane.</summary>
    public T First => _lanes.First;

    /// <summary>Makes the lanes and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <param name="settings">How they run.</param>
    /// <param name="make">Makes a lane.</param>
    /// <param name="prepare">Prepares it for its batches.</param>
    /// <exception cref="OutOfDeviceMemoryException">Not even a batch of one fits.</exception>
    public static DeviceLanes<T> Load(CudaSettings settings, Func<CudaSettings, T> make, Action<T> prepare)
    {
        var context = new CudaContext(settings.Device);
        try
        {
            var (lanes, maxBatch) = LanePool<T>.Fit(settings, fitting =>
            {
                var lane = make(fitting);
                try
                {
                    prepare(lane);
                    return lane;
                }
                catch
                {
                    lane.Dispose();
                    throw;
                }
            });
            return new DeviceLanes<T>(context, lanes, maxBatch);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>Runs something on a lane, once one is free.</summary>
    public void Run(Action<T> run)
    {
        _context.Enter();
        _lanes.Run(run);
    }

    /// <summary>Runs a batch.</summary>
    /// <param name="rows">Rows of it.</param>
    /// <param name="what">What they are, for a message.</param>
    /// <param name="run">Runs it on a lane.</param>
    /// <exception cref="OutOfDeviceMemoryException">It has more than <see cref="MaxBatch"/>.</exception>
    public void Run(int rows, string what, Action<T> run)
    {
        if (rows > MaxBatch)
            throw new OutOfDeviceMemoryException($"a batch of {rows} {what}, and {MaxBatch} fit into the GPU's memory");
        Run(run);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Enter();
        _lanes.Dispose();
        _context.Dispose();
    }
}
