using Microsoft.Extensions.Time.Testing;
using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>A device of a simulation: a batch of n rows takes Fixed + PerRow * n milliseconds on each of its streams.</summary>
internal sealed record SimulatedDevice(double Fixed, double PerRow, int Streams, int MaxBatch)
{
    public double Milliseconds(int rows) => Fixed + (PerRow * rows);
}

/// <summary>The real batcher on simulated devices and a simulated clock: what happens when is the same in every run.</summary>
internal sealed class DeviceSimulation : IDisposable
{
    private const double Tick = 1;

    private readonly FakeTimeProvider _time = new();
    private readonly StubModel _model = new();
    private readonly DynamicBatcher _batcher;
    private readonly List<Stream> _streams = [];
    private readonly List<Task<BatchedOutcome>> _rows = [];
    private readonly List<(double At, BatchPriority Priority)> _arrivals = [];

    /// <summary>Makes the devices known to the batcher.</summary>
    /// <param name="devices">The devices.</param>
    /// <param name="warm">Whether their times are known from the start, as after a warm-up.</param>
    public DeviceSimulation(IReadOnlyList<SimulatedDevice> devices, bool warm = true)
    {
        var options = new BatchingOptions { MaxWaitMs = 5, BackfillAgeMs = 1_000_000 };
        _batcher = new DynamicBatcher(options, _time);
        for (var i = 0; i < devices.Count; i++)
        {
            var load = new DeviceLoad(new Device($"cpu:{i}", devices[i].Streams, devices[i].MaxBatch, [_model]), options, _time);
            foreach (var rows in warm ? (int[])[1, 1, 4, 16] : [])
                load.Ran(_model.KeyOf(new StubInput()), rows, TimeSpan.FromMilliseconds(devices[i].Milliseconds(rows)));
            _batcher.Join(load);
            foreach (var slot in load.Streams)
                _streams.Add(new Stream(i, devices[i], slot));
        }
    }

    /// <summary>Milliseconds at which each row was done, in the order of submission.</summary>
    public Dictionary<StubInput, double> Done { get; } = [];

    /// <summary>The device that ran each row.</summary>
    public Dictionary<StubInput, int> RanOn { get; } = [];

    /// <summary>Rows in the order of submission.</summary>
    public List<StubInput> Submitted { get; } = [];

    /// <summary>Milliseconds since the start.</summary>
    public double Now { get; private set; }

    /// <summary>A batch that starts on this device never ends.</summary>
    public int? Hanging { get; set; }

    /// <summary>Plans rows that arrive together.</summary>
    public void Arrive(double at, int rows, BatchPriority priority = BatchPriority.Interactive) =>
        _arrivals.AddRange(Enumerable.Repeat((at, priority), rows));

    /// <summary>Runs until all rows that have arrived are done, or the time is over.</summary>
    public void Run(double limit = 1_000_000)
    {
        var due = new Queue<(double At, BatchPriority Priority)>(_arrivals.OrderBy(arrival => arrival.At));
        while (Now < limit && (due.Count > 0 || Done.Count < Submitted.Count))
        {
            while (due.Count > 0 && due.Peek().At <= Now)
                Submit(due.Dequeue().Priority);
            Settle();
            _time.Advance(TimeSpan.FromMilliseconds(Tick));
            Now += Tick;
        }
    }

    public void Dispose() => _batcher.Dispose();

    private void Submit(BatchPriority priority)
    {
        var input = new StubInput();
        Submitted.Add(input);
        _rows.Add(_batcher.SubmitAsync(input, _model, priority, null, CancellationToken.None));
    }

    private void Settle()
    {
        foreach (var stream in _streams)
        {
            if (stream.Batch is { } batch && stream.Ends <= Now)
                Finish(stream, batch);
            if (stream.Batch is not null)
                continue;
            stream.Taking ??= _batcher.TakeAsync(stream.Slot);
        }

        // A stream that took nothing may have got what a later one left.
        foreach (var stream in _streams.Where(stream => stream.Taking is { IsCompleted: true }))
        {
            stream.Batch = stream.Taking!.Result;
            stream.Taking = null;
            stream.Ends = stream.Device == Hanging ? double.PositiveInfinity : Now + stream.Speed.Milliseconds(stream.Batch!.Rows.Count);
        }
    }

    private void Finish(Stream stream, Batch batch)
    {
        stream.Batch = null;
        stream.Slot.Device.Ran(batch.Key, batch.Rows.Count, TimeSpan.FromMilliseconds(stream.Speed.Milliseconds(batch.Rows.Count)));
        foreach (var row in batch.Rows)
        {
            Done.Add((StubInput)row.Input, Now);
            RanOn.Add((StubInput)row.Input, stream.Device);
            row.Succeed(new BatchedOutcome(new EmbeddingOutcome([1f]), default, default, batch.Rows.Count));
        }
    }

    private sealed class Stream(int device, SimulatedDevice speed, StreamSlot slot)
    {
        public int Device { get; } = device;

        public SimulatedDevice Speed { get; } = speed;

        public StreamSlot Slot { get; } = slot;

        public Task<Batch?>? Taking { get; set; }

        public Batch? Batch { get; set; }

        public double Ends { get; set; }
    }
}
