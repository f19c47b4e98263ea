namespace VlWorker.Batching;

/// <summary>One stream of a device: it waits for a batch or runs one. Guarded by the batcher's lock.</summary>
internal sealed class StreamSlot(DeviceLoad device)
{
    /// <summary>Whose stream it is.</summary>
    public DeviceLoad Device { get; } = device;

    /// <summary>Where its next batch is awaited; null while it does not ask for one.</summary>
    public TaskCompletionSource<Batch?>? Waiting { get; set; }

    /// <summary>What it runs, from the moment the batch was formed until it asks for the next.</summary>
    public Batch? Running { get; set; }

    /// <summary>Seconds until it is free, as far as it can be told.</summary>
    public double Remaining(TimeProvider time, long now)
    {
        if (Running is not { } batch || Device.AtLeast(batch.Key, batch.Rows.Count) is not { } expected)
            return 0;
        // What is overdue has an unknown time to go: the longer it is late, the longer it may yet be.
        return Math.Abs(expected - time.GetElapsedTime(batch.Formed, now).TotalSeconds);
    }
}
