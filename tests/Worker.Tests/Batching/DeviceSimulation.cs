using VlWorker.Batching;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>A device of a simulation: a batch of n rows takes Fixed + PerRow * n milliseconds on each of its streams.</summary>
/// <param name="Noise">Share by which that is more or less at random.</param>
internal sealed record SimulatedDevice(double Fixed, double PerRow, int Streams, int MaxBatch, double Noise = 0)
{
    public double Milliseconds(int rows) => Fixed + (PerRow * rows);
}

/// <summary>The real batcher on simulated devices and a simulated clock: what happens when is the same in every run.</summary>
internal sealed class DeviceSimulation : IDisposable
{
    private readonly SimulatedTime _time = new();
    private readonly StubModel _model = new();
    private readonly DynamicBatcher _batcher;
    private readonly Random _random;
    private readonly List<Stream> _streams = [];
    private readonly List<(double At, BatchPriority Priority)> _arrivals = [];

    /// <summary>Makes the devices known to the batcher.</summary>
    /// <param name="devices">The devices.</param>
    /// <param name="options">How batches are formed.</param>
    /// <param name="warm">Whether their times are known from the start, as after a warm-up.</param>
    /// <param name="seed">Of the noise.</param>
    public DeviceSimulation(IReadOnlyList<SimulatedDevice> devices, BatchingOptions options, bool warm = true, int seed = 1)
    {
        _random = new Random(seed);
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

    /// <summary>Milliseconds from each row's submission until it was done, in the order of submission; all must be done.</summary>
    public IEnumerable<double> Latencies => Submitted.Zip(_arrivals.OrderBy(arrival => arrival.At), (row, arrival) => Done[row] - arrival.At);

    /// <summary>The same of the rows of one lane that are done.</summary>
    public IEnumerable<double> LatenciesOf(BatchPriority priority) => Submitted.Zip(_arrivals.OrderBy(arrival => arrival.At))
        .Where(pair => pair.Second.Priority == priority && Done.ContainsKey(pair.First)).Select(pair => Done[pair.First] - pair.Second.At);

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
        while (Now < limit)
        {
            while (due.Count > 0 && due.Peek().At <= Now)
                Submit(due.Dequeue().Priority);
            Settle();
            if (due.Count == 0 && Done.Count == Submitted.Count)
                return;
            var next = Math.Min(_time.NextTimer, _streams.Min(stream => stream.Ends));
            Now = Math.Min(limit, due.Count > 0 ? Math.Min(next, due.Peek().At) : next);
            _time.GoTo(Now);
        }
    }

    public void Dispose() => _batcher.Dispose();

    private void Submit(BatchPriority priority)
    {
        var input = new StubInput();
        Submitted.Add(input);
        _ = _batcher.SubmitAsync(input, _model, new RowTerms(priority), CancellationToken.None);
    }

    private void Settle()
    {
        foreach (var stream in _streams)
        {
            if (stream.Batch is { } batch && stream.Ends <= Now)
                Finish(stream, batch);
            if (stream.Batch is null)
                stream.Taking ??= _batcher.TakeAsync(stream.Slot);
        }

        // A stream that took nothing may have got what a later one left.
        foreach (var stream in _streams.Where(stream => stream.Taking is { IsCompleted: true }))
        {
            stream.Batch = stream.Taking!.Result;
            stream.Taking = null;
            stream.Took = stream.Speed.Milliseconds(stream.Batch!.Rows.Count) * (1 + (stream.Speed.Noise * ((2 * _random.NextDouble()) - 1)));
            stream.Ends = stream.Device == Hanging ? double.PositiveInfinity : Now + stream.Took;
        }
    }

    private void Finish(Stream stream, Batch batch)
    {
        stream.Batch = null;
        stream.Ends = double.PositiveInfinity;
        stream.Slot.Device.Ran(batch.Key, batch.Rows.Count, TimeSpan.FromMilliseconds(stream.Took));
        foreach (var row in batch.Rows)
        {
            Done.Add((StubInput)row.Input, Now);
            RanOn.Add((StubInput)row.Input, stream.Device);
            row.Settle(new BatchedOutcome(new EmbeddingOutcome([1f]), default, default, batch.Rows.Count));
        }
    }

    private sealed class Stream(int device, SimulatedDevice speed, StreamSlot slot)
    {
        public int Device { get; } = device;

        public SimulatedDevice Speed { get; } = speed;

        public StreamSlot Slot { get; } = slot;

        public Task<Batch?>? Taking { get; set; }

        public Batch? Batch { get; set; }

        public double Took { get; set; }

        public double Ends { get; set; } = double.PositiveInfinity;
    }
}
