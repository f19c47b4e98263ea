using VlWorker.Batching.Steering;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>What the batcher knows of a device: how large its batches may be, how long they take, and what its streams do.</summary>
/// <remarks>Streams are guarded by the batcher's lock; what is learned has a lock of its own, since it is reported while batches run.</remarks>
internal sealed class DeviceLoad
{
    private readonly Lock _gate = new();
    private readonly KeptByBucket<BatchTime> _times = new();
    private readonly BatchCeilings _ceilings;
    private readonly BatchFill _fill = new();
    private DeviceSteering? _steering;

    public DeviceLoad(Device device, BatchingOptions options, TimeProvider time)
    {
        Device = device;
        _ceilings = new BatchCeilings(device.MaxBatch, options.MemoryRetryAfter, time);
        Streams = [.. Enumerable.Range(0, device.Streams).Select(_ => new StreamSlot(this))];
    }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>Its streams.</summary>
    public IReadOnlyList<StreamSlot> Streams { get; }

    /// <summary>Batches that may run at the same time.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
                return _steering?.InFlight ?? Streams.Count;
        }
    }

    /// <summary>Streams that wait for a batch and may have one.</summary>
    public int Idle => Math.Max(0, Math.Min(
        Streams.Count(stream => stream.Waiting is not null), InFlight - Streams.Count(stream => stream.Running is not null)));

    /// <summary>Whether it has the model.</summary>
    public bool Serves(BatchKey key) => Device.Find(key.Model) is not null;

    /// <summary>Rows of a batch at most, by setting, by memory and by steering.</summary>
    public int Limit(BatchKey key)
    {
        lock (_gate)
            return Math.Min(_ceilings.For(key), Steered(key.Model));
    }

    /// <inheritdoc cref="BatchFill.Rows"/>
    /// <remarks>All that are there, while it is not known what a batch costs.</remarks>
    public int Fill(BatchKey key, int interactive, int available) =>
        Cost(key) is { } cost ? _fill.Rows(cost, interactive, available, Limit(key)) : available;

    /// <summary>The lowest limit of a model's buckets.</summary>
    public int LowestLimit(string model)
    {
        lock (_gate)
            return Math.Min(_ceilings.Lowest(model), Steered(model));
    }

    /// <summary>Lets batches follow what the device does, from now on.</summary>
    public void Steer(DeviceSteering steering)
    {
        lock (_gate)
            _steering = steering;
    }

    /// <inheritdoc cref="DeviceSteering.Decide"/>
    public bool Decide(double? utilization)
    {
        lock (_gate)
            return _steering?.Decide(utilization) == true;
    }

    /// <summary>Batches of the bucket that it has run.</summary>
    public int Batches(BatchKey key)
    {
        lock (_gate)
            return _times.Find(key)?.Batches ?? 0;
    }

    /// <inheritdoc cref="BatchTime.AtLeast"/>
    public double? AtLeast(BatchKey key, int rows)
    {
        lock (_gate)
            return _times.Find(key)?.AtLeast(rows);
    }

    /// <inheritdoc cref="BatchTime.AtMost"/>
    public double? AtMost(BatchKey key, int rows)
    {
        lock (_gate)
            return _times.Find(key)?.AtMost(rows);
    }

    /// <inheritdoc cref="BatchTime.Cost"/>
    public BatchCost? Cost(BatchKey key)
    {
        lock (_gate)
            return _times.Find(key)?.Cost;
    }

    /// <summary>A batch ran.</summary>
    public void Ran(BatchKey key, int rows, TimeSpan elapsed)
    {
        lock (_gate)
        {
            (_times.Find(key) ?? _times.Add(key, new BatchTime())).Observe(rows, elapsed);
            _steering?.Observe(key.Model, rows >= Math.Min(_ceilings.For(key), Steered(key.Model)), elapsed);
            _ceilings.Fitted(key, rows);
        }
    }

    /// <summary>A batch did not fit into the device's memory.</summary>
    public void DidNotFit(BatchKey key, int rows)
    {
        lock (_gate)
            _ceilings.Exceeded(key, rows);
    }

    private int Steered(string model) => _steering?.Rows(model) ?? int.MaxValue;
}
