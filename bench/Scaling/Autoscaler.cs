namespace VlWorker.Bench.Scaling;

/// <summary>
/// Kubernetes' HorizontalPodAutoscaler (autoscaling/v2, metrics of type External with an average value) with its behaviour, and KEDA above it,
/// which alone goes to none and comes from none.
/// </summary>
internal sealed class Autoscaler(ScalingRule rule)
{
    private const int SyncPeriod = 15;
    private const double Tolerance = 0.1;

    private readonly Queue<(int Second, int Replicas)> _recommendations = new();
    private readonly List<(int Second, int Change)> _changes = [];
    private int _lastActive = int.MinValue / 2;

    /// <summary>How many pods there should be from now on.</summary>
    /// <param name="second">Now.</param>
    /// <param name="replicas">Pods that there should have been until now.</param>
    /// <param name="interactive">Messages of the lane, ready and in hand or as the rule counts, and those published a second.</param>
    /// <param name="backfill">The same of the other lane.</param>
    public int Decide(int second, int replicas, (long Messages, double Rate) interactive, (long Messages, double Rate) backfill)
    {
        if (second % rule.PollingInterval == 0 && interactive.Messages + backfill.Messages > 0)
            _lastActive = second;
        if (replicas == 0)
            return second % rule.PollingInterval == 0 && interactive.Messages + backfill.Messages > 0 ? Change(second, 0, 1) : 0;
        if (second - _lastActive >= rule.Cooldown)
            return Change(second, replicas, 0);
        if (second % SyncPeriod != 0)
            return replicas;
        var desired = Math.Max(Desired(interactive, rule.Interactive, replicas), Desired(backfill, rule.Backfill, replicas));
        desired = Math.Clamp(Stabilize(second, replicas, desired), 1, rule.MaxReplicas);
        return Change(second, replicas, desired > replicas ? Math.Min(desired, MostUp(second, replicas)) : Math.Max(desired, LeastDown(second, replicas)));
    }

    private static int Desired((long Messages, double Rate) lane, LaneRule rule, int replicas) => Math.Max(
        Desired(lane.Messages, rule.Target, replicas), rule.Rate > 0 ? Desired(lane.Rate, rule.Rate, replicas) : 0);

    private static int Desired(double total, double target, int replicas)
    {
        var ratio = total / (target * replicas);
        return Math.Abs(ratio - 1) <= Tolerance ? replicas : (int)Math.Ceiling(total / target);
    }

    /// <summary>Up to the lowest recommendation of the window for growing, down to the highest of the window for shrinking.</summary>
    private int Stabilize(int second, int replicas, int desired)
    {
        _recommendations.Enqueue((second, desired));
        while (_recommendations.Peek().Second < second - Math.Max(rule.StabilizeUp, rule.StabilizeDown))
            _recommendations.Dequeue();
        var up = _recommendations.Where(entry => entry.Second >= second - rule.StabilizeUp).Min(entry => entry.Replicas);
        var down = _recommendations.Where(entry => entry.Second >= second - rule.StabilizeDown).Max(entry => entry.Replicas);
        return Math.Min(Math.Max(replicas, up), down);
    }

    private int MostUp(int second, int replicas)
    {
        var before = replicas - _changes.Where(change => change.Second > second - rule.Up.Period && change.Change > 0).Sum(change => change.Change);
        return Math.Max(before + rule.Up.Pods, before + (int)Math.Ceiling(before * rule.Up.Percent / 100.0));
    }

    private int LeastDown(int second, int replicas)
    {
        var before = replicas - _changes.Where(change => change.Second > second - rule.Down.Period && change.Change < 0).Sum(change => change.Change);
        return Math.Max(0, before - rule.Down.Pods);
    }

    private int Change(int second, int from, int to)
    {
        if (from != to)
            _changes.Add((second, to - from));
        _changes.RemoveAll(change => change.Second < second - 3600);
        return to;
    }
}
