namespace VlWorker.Inference.Cuda;

/// <summary>
/// Lets one lane after another have the GPU, so that batches do not take the second-level cache from each other. The next lane's work is queued
/// as soon as all of the last one's is, so that the GPU never waits; copies are not a matter of turns.
/// </summary>
internal sealed class DeviceTurn : IDisposable
{
    private readonly SemaphoreSlim _free = new(1, 1);
    private CudaEvent? _last;

    /// <summary>Waits for the turn; what the stream gets afterwards runs behind all that the lane before has queued.</summary>
    public void Enter(CudaStream stream)
    {
        _free.Wait();
        try
        {
            if (_last is { } last)
                stream.WaitFor(last);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>Gives the turn on, once all is queued.</summary>
    /// <param name="stream">The lane's stream.</param>
    /// <param name="mark">The lane's own; marks the end of its work.</param>
    public void Leave(CudaStream stream, CudaEvent mark)
    {
        try
        {
            mark.Record(stream);
            _last = mark;
        }
        finally
        {
            _free.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();
}
