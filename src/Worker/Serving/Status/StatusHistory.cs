namespace VlWorker.Serving.Status;

/// <summary>The samples of the last minute and the throughput of the last two: what rates are made of. One caller at a time.</summary>
internal sealed class StatusHistory(TimeProvider time)
{
    private const int Points = 120;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly LinkedList<MetricsSample> _samples = new();
    private readonly LinkedList<double> _throughput = new();

    /// <summary>The newest sample.</summary>
    public MetricsSample Last => _samples.Last!.Value;

    /// <summary>Images a second between each two samples, the oldest first.</summary>
    public IReadOnlyList<double> Throughput => [.. _throughput];

    /// <summary>Seconds between the first and the last sample kept.</summary>
    public double Seconds => Math.Max(1e-3, time.GetElapsedTime(_samples.First!.Value.At, Last.At).TotalSeconds);

    /// <summary>Adds a sample and lets go of those that are too old.</summary>
    public void Add(MetricsSample sample)
    {
        if (_samples.Last is { Value: var before })
        {
            _throughput.AddLast(Images(before, sample) / Math.Max(1e-3, time.GetElapsedTime(before.At, sample.At).TotalSeconds));
            if (_throughput.Count > Points)
                _throughput.RemoveFirst();
        }

        _samples.AddLast(sample);
        while (time.GetElapsedTime(_samples.First!.Value.At, sample.At) > Window)
            _samples.RemoveFirst();
    }

    /// <summary>How much a counter has grown over the samples kept.</summary>
    public double Growth(string name, params (string Label, string Value)[] where) => Last.Sum(name, where) - _samples.First!.Value.Sum(name, where);

    /// <summary>How much a counter grows a second.</summary>
    public double Rate(string name, params (string Label, string Value)[] where) => Growth(name, where) / Seconds;

    /// <summary>The mean of what a histogram has observed; null if it has observed nothing.</summary>
    public double? Mean(string name, params (string Label, string Value)[] where) =>
        Growth(name + "_count", where) is > 0 and var count ? Growth(name + "_sum", where) / count : null;

    /// <summary>Images a second, of messages and requests.</summary>
    public double ImagesPerSecond => Images(_samples.First!.Value, Last) / Seconds;

    private static double Images(MetricsSample from, MetricsSample to) => Images(to) - Images(from);

    /// <summary>Every image that was described has been through the decoder; texts have not.</summary>
    private static double Images(MetricsSample sample) => sample.Sum("vlworker_stage_seconds_count", ("stage", "decode"));
}
