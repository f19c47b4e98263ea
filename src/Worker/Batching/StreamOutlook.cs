using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>What the streams that may run a bucket's batch offer to the rows that come next.</summary>
/// <param name="Idle">Streams that wait for a batch, at least one.</param>
/// <param name="Soonest">Seconds until the first of the others is free; infinite if none runs a batch.</param>
internal readonly record struct StreamOutlook(int Idle, double Soonest)
{
    /// <summary>Looks at the devices that have the bucket's model.</summary>
    public static StreamOutlook Of(IEnumerable<DeviceLoad> devices, BatchKey key, TimeProvider time, long now)
    {
        var (idle, soonest) = (0, double.PositiveInfinity);
        foreach (var device in devices.Where(device => device.Serves(key)))
        {
            idle += device.Idle;
            foreach (var stream in device.Streams)
            {
                if (stream.Running is not null)
                    soonest = Math.Min(soonest, stream.Remaining(time, now));
            }
        }

        return new StreamOutlook(idle, soonest);
    }
}
