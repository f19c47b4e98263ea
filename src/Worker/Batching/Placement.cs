using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Which rows of a bucket a device takes, counted in the order of urgency.</summary>
/// <param name="Skip">Rows left to faster devices.</param>
/// <param name="Count">Rows taken; 0: it leaves all of them.</param>
internal readonly record struct Share(int Skip, int Count);

/// <summary>Decides which device runs what: work goes where it finishes first.</summary>
/// <remarks>
/// The fastest device takes the most urgent rows, whenever it has a free stream. A slower one takes only rows that it finishes before the faster
/// ones would: it passes over as many rows as those will have finished by then, and takes the next. So no row is later than without it.
/// Where several devices have a model, each first shows how long it takes for a bucket, by trial batches of one row.
/// </remarks>
internal sealed class Placement(TimeProvider time)
{
    /// <summary>Trial batches of a device; the first of them also pays for what happens once.</summary>
    private const int TrialBatches = 2;

    /// <summary>How much longer than expected a slower device's batch may take and still not be late.</summary>
    private const double Caution = 1.2;

    /// <summary>Devices whose times differ by less count as equally fast: the one with more free streams goes first.</summary>
    private const double Alike = 1.1;

    /// <summary>The devices that have the bucket's model: those on trial, then the others by when each alone would be done with all its rows.</summary>
    public List<DeviceLoad> Order(IReadOnlyList<DeviceLoad> devices, BatchKey key, int waiting, long now)
    {
        var serving = devices.Where(device => device.Serves(key)).ToList();
        return serving.Count <= 1 ? serving : [.. serving.OrderBy(device => Class(device, key, waiting, now)).ThenBy(BusyShare)];
    }

    /// <summary>What a device with a free stream takes of a bucket.</summary>
    /// <param name="order">The devices in their <see cref="Order"/>.</param>
    /// <param name="place">Its place among them.</param>
    /// <param name="key">The bucket.</param>
    /// <param name="waiting">Rows in the bucket, at least one.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public Share Of(IReadOnlyList<DeviceLoad> order, int place, BatchKey key, int waiting, long now)
    {
        var device = order[place];
        if (order.Count > 1 && OnTrial(device, key))
            return device.Streams.Any(stream => stream.Running?.Key == key) ? default : new Share(waiting - 1, 1);
        var most = Math.Min(device.Limit(key), waiting);
        var faster = order.Take(place).Where(other => !OnTrial(other, key)).ToList();
        if (faster.Count == 0)
            return new Share(0, most);

        // More rows take longer, and leave more to the others meanwhile: the largest batch that still finds its rows is found by halving.
        var least = 0;
        while (least < most)
        {
            var middle = (least + most + 1) / 2;
            if (Passed(device, faster, key, waiting, middle, now) + middle <= waiting)
                least = middle;
            else
                most = middle - 1;
        }

        return least == 0 ? default : new Share((int)Passed(device, faster, key, waiting, least, now), least);
    }

    /// <summary>Rows that the faster devices will have finished by the time this one has finished so many.</summary>
    private double Passed(DeviceLoad device, List<DeviceLoad> faster, BatchKey key, int waiting, int rows, long now)
    {
        var until = Caution * Expected(device.AtMost(key, rows));
        var passed = 0d;
        foreach (var other in faster)
        {
            var batch = Math.Min(other.Limit(key), waiting);
            var each = Expected(other.AtLeast(key, batch));
            foreach (var stream in other.Streams)
                passed += batch * Math.Floor(Math.Max(0, until - stream.Remaining(time, now)) / each);
        }

        return passed;
    }

    private static bool OnTrial(DeviceLoad device, BatchKey key) => device.Batches(key) < TrialBatches;

    /// <summary>Devices of one class are equally fast; the lower, the faster. A trial goes before all, or it might never happen.</summary>
    private double Class(DeviceLoad device, BatchKey key, int waiting, long now)
    {
        if (OnTrial(device, key))
            return double.NegativeInfinity;
        var batch = Math.Min(device.Limit(key), waiting);
        var rounds = Math.Ceiling((double)waiting / (batch * device.Streams.Count));
        var done = device.Streams.Min(stream => stream.Remaining(time, now)) + (rounds * Expected(device.AtMost(key, batch)));
        return Math.Floor(Math.Log(done, Alike));
    }

    /// <summary>What was learned of a bucket may be dropped for newer ones at any moment: then its next batch is a trial again.</summary>
    private static double Expected(double? seconds) => seconds ?? double.PositiveInfinity;

    private static double BusyShare(DeviceLoad device) => 1 - ((double)device.Idle / device.Streams.Count);
}
