using VlWorker.Batching.Steering;

namespace VlWorker.Worker.Tests.Batching.Steering;

/// <summary>One decision's worth of a simulation.</summary>
/// <param name="Seconds">When it ended.</param>
/// <param name="Rows">Rows of a batch at most, after the decision.</param>
/// <param name="InFlight">Batches in flight at most, after the decision.</param>
/// <param name="Percentile95">Milliseconds that 19 of 20 batches took.</param>
/// <param name="RowsPerSecond">Rows done.</param>
/// <param name="Utilization">How busy the device was.</param>
internal sealed record SteeringMoment(double Seconds, int Rows, int InFlight, double Percentile95, double RowsPerSecond, double Utilization);

/// <summary>The real controller on a simulated device and a simulated clock. The same seed gives the same run.</summary>
internal sealed class SteeringSimulation(SteeringOptions options, SimulatedGpu gpu, int maxBatch, int streams, int seed)
{
    private const string Model = "model";
    private const double Step = 0.0005;

    private readonly Clock _clock = new();
    private readonly Random _random = new(seed);
    private readonly List<(double Ends, double Took, int Rows, bool Full)> _running = [];
    private readonly List<SteeringMoment> _moments = [];
    private DeviceSteering? _steering;
    private double _now;
    private double _backlog;

    /// <summary>Rows that arrive a second; infinite: there is always more to do.</summary>
    public double Offered { get; set; } = double.PositiveInfinity;

    /// <summary>The device; may change on the way.</summary>
    public SimulatedGpu Gpu { get; set; } = gpu;

    /// <summary>Every decision so far.</summary>
    public IReadOnlyList<SteeringMoment> Moments => _moments;

    /// <summary>How often rows or batches in flight went the other way than the time before, from a moment on.</summary>
    public int Reversals(double from)
    {
        var moves = _moments.Zip(_moments.Skip(1)).Where(pair => pair.Second.Seconds > from)
            .Select(pair => Math.Sign(pair.Second.Rows - pair.First.Rows) is var rows and not 0 ? rows : Math.Sign(pair.Second.InFlight - pair.First.InFlight))
            .Where(move => move != 0).ToList();
        return moves.Zip(moves.Skip(1)).Count(pair => pair.First != pair.Second);
    }

    /// <summary>The mean of what happened from a moment on.</summary>
    public (double Percentile95, double RowsPerSecond, double Utilization) Mean(double from)
    {
        var late = _moments.Where(moment => moment.Seconds > from).ToList();
        return (late.Average(moment => moment.Percentile95), late.Average(moment => moment.RowsPerSecond), late.Average(moment => moment.Utilization));
    }

    /// <summary>When rows or batches in flight changed last.</summary>
    public double Settled() => Changed().LastOrDefault();

    /// <summary>How often they have changed since a moment.</summary>
    public int Changes(double from) => Changed().Count(seconds => seconds > from);

    /// <summary>Goes on for so many seconds.</summary>
    public void Run(double seconds)
    {
        _steering ??= new DeviceSteering(options, maxBatch, streams, _clock);
        var interval = options.IntervalMs / 1000;
        for (var end = _now + seconds; _now < end;)
            Decide(_steering, Work(_steering, _now + interval), interval);
    }

    private IEnumerable<double> Changed() => _moments.Prepend(new SteeringMoment(0, maxBatch, streams, 0, 0, 0)).Zip(_moments)
        .Where(pair => (pair.First.Rows, pair.First.InFlight) != (pair.Second.Rows, pair.Second.InFlight)).Select(pair => pair.Second.Seconds);

    private void Decide(DeviceSteering steering, List<(double Took, int Rows)> done, double interval)
    {
        var utilization = Math.Min(1, done.Sum(batch => Gpu.PerRow * batch.Rows / 1000) / interval);
        steering.Decide(Gpu.Watched ? utilization : null);
        var percentile = done.Count == 0 ? 0 : done.Select(batch => batch.Took).Order().ElementAt((int)(0.95 * (done.Count - 1))) * 1000;
        _moments.Add(new SteeringMoment(_now, steering.Rows(Model), steering.InFlight, percentile, done.Sum(batch => batch.Rows) / interval, utilization));
    }

    private List<(double Took, int Rows)> Work(DeviceSteering steering, double until)
    {
        var done = new List<(double, int)>();
        while (_now < until)
        {
            while (_running.Count < steering.InFlight && (double.IsInfinity(Offered) || _backlog >= 1))
                Start(steering);
            var next = Math.Min(until, _running.Count == steering.InFlight ? _running.Min(batch => batch.Ends) : _now + Step);
            if (!double.IsInfinity(Offered))
                _backlog = Math.Min(_backlog + (Offered * (next - _now)), 10 * Offered);
            _clock.Advance(next - _now);
            _now = next;
            foreach (var batch in _running.Where(batch => batch.Ends <= _now).ToList())
            {
                _running.Remove(batch);
                done.Add((batch.Took, batch.Rows));
                steering.Observe(Model, batch.Full, TimeSpan.FromSeconds(batch.Took));
            }
        }

        return done;
    }

    private void Start(DeviceSteering steering)
    {
        var limit = steering.Rows(Model);
        var rows = double.IsInfinity(Offered) ? limit : Math.Min(limit, (int)_backlog);
        if (!double.IsInfinity(Offered))
            _backlog -= rows;
        var took = Gpu.Milliseconds(rows, _running.Count + 1) / 1000 * Math.Max(0.2, 1 + (Gpu.Noise * Normal()));
        _running.Add((_now + took, took, rows, rows == limit));
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
