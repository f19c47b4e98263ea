using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Runs a device's models on made-up rows before messages come.</summary>
/// <remarks>
/// Every device runs a row, twice, and then growing batches, so that the times by which work is given to it and batches wait are known from the
/// start; a processor alone takes little time for it. A GPU also runs its largest batch, so that a limit of memory shows now and not under load.
/// </remarks>
/// <param name="load">Learns from it.</param>
/// <param name="shared">Whether there are other devices.</param>
/// <param name="time">The clock.</param>
internal sealed class WarmUp(DeviceLoad load, bool shared, TimeProvider time)
{
    /// <summary>No larger batch is tried once a bucket has taken this long.</summary>
    private readonly TimeSpan _enough = TimeSpan.FromSeconds(shared ? 2 : 0.1);

    /// <summary>Runs it.</summary>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public void Run(CancellationToken cancellation)
    {
        var gpu = DeviceName.TryParse(load.Device.Name, out var name) && name.Kind == DeviceKind.Cuda;
        foreach (var model in load.Device.Models.Where(static model => model.IsLoaded))
        {
            using var rows = new SampleRows(model);
            foreach (var sample in rows.All)
                Run(model, sample, gpu, cancellation);
        }
    }

    private void Run(IModel model, InferenceInput sample, bool gpu, CancellationToken cancellation)
    {
        var key = model.KeyOf(sample);
        var started = time.GetTimestamp();
        if (!Try(model, key, sample, 1, cancellation) || !Try(model, key, sample, 1, cancellation))
            return;
        // A second size always: without it, what a row costs is not known from what a batch costs.
        for (var rows = 2; rows < load.Limit(key) && (rows == 2 || time.GetElapsedTime(started) < _enough); rows *= 4)
            Try(model, key, sample, rows, cancellation);
        for (var most = load.Limit(key); gpu && most > 1 && !Try(model, key, sample, most, cancellation);)
            most = load.Limit(key);
    }

    /// <summary>Whether so many rows fit.</summary>
    private bool Try(IModel model, BatchKey key, InferenceInput sample, int rows, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var started = time.GetTimestamp();
        try
        {
            model.Run([.. Enumerable.Repeat(sample, rows)], cancellation);
            load.Ran(key, rows, time.GetElapsedTime(started));
            return true;
        }
        catch (OutOfDeviceMemoryException)
        {
            load.DidNotFit(key, rows);
            return false;
        }
    }
}
