namespace VlWorker.Bench.Scaling;

/// <summary>What a day came to.</summary>
internal sealed record ScalingOutcome(LaneQueue Interactive, LaneQueue Backfill)
{
    /// <summary>Pods times hours, those that start or drain included.</summary>
    public double PodHours { get; set; }

    /// <summary>Hours without any pod.</summary>
    public double HoursAtZero { get; set; }

    /// <summary>Times that the wanted number grew.</summary>
    public int Ups { get; set; }

    /// <summary>Times that it shrank.</summary>
    public int Downs { get; set; }

    /// <summary>Times that it grew again within five minutes after it had shrunk.</summary>
    public int Reversals { get; set; }

    /// <summary>Pods that were told to stop while they held messages.</summary>
    public int StoppedBusy { get; set; }

    /// <summary>Pods that the kubelet killed while they held messages.</summary>
    public int KilledBusy { get; set; }

    /// <summary>Messages that stopped pods gave back after their drain's time.</summary>
    public long GivenBack { get; set; }

    /// <summary>The most pods at a time.</summary>
    public int MostPods { get; set; }
}

/// <summary>Pods that take from the two lanes, interactive first, started and stopped as the autoscaler wants.</summary>
/// <param name="rule">The rule.</param>
/// <param name="throughput">Images a second of one pod, measured.</param>
/// <param name="startup">Seconds from the decision until a pod takes messages.</param>
internal sealed class Fleet(ScalingRule rule, double throughput, int startup)
{
    private readonly List<int> _ready = [];
    private readonly List<(int Until, bool Busy)> _draining = [];
    private readonly ScalingOutcome _outcome = new(new LaneQueue(), new LaneQueue());
    private int _lastDown = int.MinValue / 2;
    private double _credit;

    /// <summary>Plays a day.</summary>
    public ScalingOutcome Run(ArrivalDay day)
    {
        var (autoscaler, replicas) = (new Autoscaler(rule), 0);
        for (var second = 0; second < ArrivalDay.Seconds; second++)
        {
            _outcome.Interactive.Add(second, day.InteractiveAt(second));
            _outcome.Backfill.Add(second, day.BackfillAt(second));
            var wanted = autoscaler.Decide(
                second,
                replicas,
                (Counted(_outcome.Interactive, rule.Interactive, second), Rate(day.InteractiveAt, second)),
                (Counted(_outcome.Backfill, rule.Backfill, second), Rate(day.BackfillAt, second)));
            Follow(second, replicas, wanted);
            replicas = wanted;
            Work(second);
            _draining.RemoveAll(pod => pod.Until <= second);
            var pods = _ready.Count + _draining.Count;
            _outcome.PodHours += pods / 3600.0;
            _outcome.HoursAtZero += pods == 0 ? 1 / 3600.0 : 0;
            _outcome.MostPods = Math.Max(_outcome.MostPods, pods);
        }

        return _outcome;
    }

    /// <summary>As the management API averages it: over the samples of the last seconds.</summary>
    private static double Rate(Func<int, int> arrivals, int second) => Enumerable.Range(Math.Max(0, second - 9), Math.Min(10, second + 1)).Average(arrivals);

    private int Working(int second) => _ready.Count(ready => ready <= second);

    private long Counted(LaneQueue lane, LaneRule limits, int second) =>
        rule.CountsInHand ? lane.Total : Math.Max(0, lane.Total - ((long)limits.Prefetch * Working(second)));

    private void Follow(int second, int replicas, int wanted)
    {
        for (var i = replicas; i < wanted; i++)
            _ready.Add(second + startup);
        if (wanted > replicas)
        {
            _outcome.Ups++;
            _outcome.Reversals += second - _lastDown <= 300 ? 1 : 0;
        }

        if (wanted >= replicas)
            return;
        _outcome.Downs++;
        _lastDown = second;
        // Kubernetes removes the pods first that are not ready yet, then the youngest.
        for (var i = replicas; i > wanted; i--)
            Stop(second);
    }

    private void Stop(int second)
    {
        var started = _ready[^1] <= second;
        var working = Math.Max(1, Working(second));
        _ready.RemoveAt(_ready.Count - 1);
        var held = started
            ? Math.Min(rule.Interactive.Prefetch, _outcome.Interactive.Total / working) + Math.Min(rule.Backfill.Prefetch, _outcome.Backfill.Total / working)
            : 0;
        var needed = held / throughput;
        // It goes on taking messages until preStop is over, then finishes what it holds; what is left at the drain's end goes back to the queue.
        var drained = Math.Min(needed, rule.Drain);
        _outcome.StoppedBusy += held > 0 ? 1 : 0;
        _outcome.GivenBack += (long)Math.Max(0, held - (rule.Drain * throughput));
        _outcome.KilledBusy += rule.PreStop + drained > rule.Grace ? 1 : 0;
        _draining.Add((second + rule.PreStop + (int)Math.Ceiling(drained), held > 0));
    }

    private void Work(int second)
    {
        _credit += throughput * (Working(second) + _draining.Count(pod => pod.Busy));
        var capacity = (long)_credit;
        _credit -= capacity;
        var interactive = _outcome.Interactive.Finish(second, capacity);
        _outcome.Backfill.Finish(second, capacity - interactive);
    }
}
