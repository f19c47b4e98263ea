using VlWorker.Batching.Steering;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>The devices' streams: threads that pull batches, run them and settle their rows.</summary>
/// <remarks>Inference blocks its thread for long, so it has threads of its own: the pool stays free for I/O.</remarks>
internal sealed class DeviceRunner : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<DependencyException> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Thread> _threads = [];
    private readonly DynamicBatcher _batcher;
    private readonly IReadOnlyList<DeviceLoad> _loads;
    private readonly TimeProvider _time;
    private readonly WorkerMetrics _metrics;
    private readonly SteeringLoop? _steering;
    private readonly TimeSpan _trimAfter;

    /// <summary>Lets devices serve a batcher. They stay their owner's, who disposes of them after this; what steers them becomes this one's.</summary>
    public DeviceRunner(
        DynamicBatcher batcher, IReadOnlyList<Device> devices, BatchingOptions options, TimeProvider time, WorkerMetrics metrics, SteeringLoop? steering = null)
    {
        (_batcher, _time, _metrics, _steering, _trimAfter) = (batcher, time, metrics, steering, options.TrimAfterIdle);
        _loads = [.. devices.Select(device => new DeviceLoad(device, options, time))];
    }

    /// <summary>Completes, with the reason, when a device is lost: the batcher takes no more rows, and only a new process gets it back.</summary>
    public Task<DependencyException> Lost => _lost.Task;

    /// <summary>Runs every model once or more before messages come, so that times and limits of memory are known.</summary>
    /// <exception cref="DeviceLostException">A device is lost.</exception>
    public void WarmUp(CancellationToken cancellation)
    {
        foreach (var load in _loads)
            new WarmUp(load, shared: _loads.Count > 1, _time).Run(cancellation);
    }

    /// <summary>Starts the streams.</summary>
    public void Start()
    {
        _steering?.Start(_loads);
        foreach (var load in _loads)
        {
            _metrics.InFlightLimit(load.Device.Name, load.InFlight);
            _batcher.Join(load);
        }

        foreach (var stream in _loads.SelectMany(load => load.Streams))
        {
            var thread = new Thread(() => Work(stream)) { IsBackground = true, Name = $"stream-{stream.Device.Device.Name}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Lets the streams finish what the batcher still holds, then ends them; false if they are still busy after the time-out.</summary>
    public bool Stop(TimeSpan timeout)
    {
        _batcher.Complete();
        var started = _time.GetTimestamp();
        foreach (var thread in _threads)
        {
            var left = timeout - _time.GetElapsedTime(started);
            if (!thread.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                return false;
        }

        _threads.Clear();
        return true;
    }

    /// <summary>Cancels what still runs and ends the streams.</summary>
    public void Dispose()
    {
        _steering?.Dispose();
        _stopping.Cancel();
        if (Stop(TimeSpan.FromSeconds(30)))
            _stopping.Dispose();
    }

    private void Work(StreamSlot stream)
    {
        var execution = new BatchExecution(stream.Device, _time, _metrics, most => _batcher.TakeMore(stream, most));
        // A batch goes to the first stream that is free: while that one idles, the device does.
        var idle = new IdleTrim(stream.Device, stream == stream.Device.Streams[0] ? _trimAfter : TimeSpan.Zero, _time, _metrics);
        try
        {
            while (idle.Wait(_batcher.TakeAsync(stream), _stopping.Token) is { } batch)
                execution.Run(batch, _stopping.Token);
        }
        catch (DeviceLostException error)
        {
            // Messages hear of it and stop the lanes; whoever owns the process hears of it and ends it.
            var reason = BatchExecution.Lost(stream.Device.Device, error);
            _batcher.Abort(reason);
            _lost.TrySetResult(reason);
        }
    }
}
