using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.Engine;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>Lets a processor that has had nothing to do for a while give memory back, once after each time that it worked.</summary>
/// <param name="load">The device.</param>
/// <param name="after">How long it must have been idle; zero: never.</param>
/// <param name="time">The clock.</param>
/// <param name="metrics">Told of it.</param>
internal sealed class IdleTrim(DeviceLoad load, TimeSpan after, TimeProvider time, WorkerMetrics metrics)
{
    private readonly bool _on = after > TimeSpan.Zero && DeviceName.TryParse(load.Device.Name, out var name) && name.Kind == DeviceKind.Cpu;
    private bool _worked;

    /// <summary>Waits for a stream's next batch; trims if it does not come for long.</summary>
    /// <returns>The batch; null if there will be none.</returns>
    public Batch? Wait(Task<Batch?> next, CancellationToken stopping)
    {
        if (_on && _worked && !IsThere(next))
            Trim(stopping);
        _worked = true;
        return next.GetAwaiter().GetResult();
    }

    private bool IsThere(Task<Batch?> next)
    {
        try
        {
            next.WaitAsync(after, time).GetAwaiter().GetResult();
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void Trim(CancellationToken stopping)
    {
        try
        {
            metrics.Trimmed(MemoryTrim.Run(load.Device.Models, stopping));
        }
        catch (Exception error) when (error is OutOfDeviceMemoryException or OperationCanceledException)
        {
            // It was to save memory, and is no work that anybody waits for.
        }
    }
}
