namespace VlWorker.Inference.Cuda;

/// <summary>Runs of a graph on batches of some shapes, recorded where that was asked for. One lane's.</summary>
/// <typeparam name="TShape">What decides about kernels.</typeparam>
/// <param name="stream">The lane's.</param>
/// <param name="bind">Binds a run: its parts, in order.</param>
internal sealed class RecordedRuns<TShape>(CudaStream stream, Func<TShape, List<CudaBinding>> bind) : IDisposable
    where TShape : struct
{
    private readonly Dictionary<TShape, CudaGraphExec> _recorded = [];
    private readonly RecurringShapes<TShape> _recurring = new();

    /// <summary>The shapes that are recorded.</summary>
    public IReadOnlyCollection<TShape> Recorded => _recorded.Keys;

    /// <summary>Queues a run, recorded or not.</summary>
    public void Queue(TShape shape)
    {
        if (_recorded.TryGetValue(shape, out var recorded))
            recorded.Launch(stream);
        else
            QueuePlain(shape);
    }

    /// <summary>Queues it kernel by kernel.</summary>
    public void QueuePlain(TShape shape)
    {
        var bindings = bind(shape);
        bindings.ForEach(binding => binding.Queue());
        // The kernels know their memory; the bindings are not needed once they are queued.
        bindings.ForEach(binding => binding.Dispose());
    }

    /// <summary>Records a shape, whose kernels must have run before.</summary>
    public void Record(TShape shape)
    {
        if (_recorded.ContainsKey(shape))
            return;
        var bindings = bind(shape);
        _recorded.Add(shape, stream.Capture(() => bindings.ForEach(binding => binding.Queue())));
        bindings.ForEach(binding => binding.Dispose());
    }

    /// <summary>Records a shape that keeps coming.</summary>
    public void RecordIfUsed(TShape shape)
    {
        if (!_recorded.ContainsKey(shape) && _recurring.IsDue(shape))
            Record(shape);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _recorded.Values)
            graph.Dispose();
    }
}
