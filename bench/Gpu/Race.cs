namespace VlWorker.Bench.Gpu;

/// <summary>Ours and the reference take turns, case by case, round by round.</summary>
internal sealed class Race(int rounds, ReferencePeer? reference)
{
    private readonly List<RaceEntry> _entries = [];

    /// <summary>The cases.</summary>
    public IReadOnlyList<RaceEntry> Entries => _entries;

    /// <summary>Adds a case.</summary>
    /// <param name="name">For a reader.</param>
    /// <param name="batch">Images a run.</param>
    /// <param name="inFlight">Runs of ours at the same time.</param>
    /// <param name="run">One of ours.</param>
    /// <param name="request">The reference's.</param>
    /// <param name="runs">Of ours in a round.</param>
    public void Add(string name, int batch, int inFlight, Action run, object request, int runs) => _entries.Add(new RaceEntry(name, batch, inFlight, run, request, runs));

    /// <summary>Runs all rounds.</summary>
    public void Run()
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var entry in _entries)
            {
                entry.Ours.Add(entry.InFlight == 1 ? Statistics.Median(GpuClock.Latency(entry.Work, entry.Runs)) : GpuClock.Throughput(entry.Work, entry.InFlight, entry.Runs));
                // One batch by itself, too: what a caller waits for.
                if (entry.InFlight > 1)
                    entry.Alone.Add(Statistics.Median(GpuClock.Latency(entry.Work, 3)));
                if (reference?.Time(entry.Request) is { } times)
                    entry.Reference.Add(Statistics.Median(times));
            }
        }
    }

    /// <summary>Medians.</summary>
    public string Table() => string.Join('\n',
    [
        "| case | ms a batch | images/s | ms of one batch alone | reference ms | reference images/s | ratio |",
        "|---|---|---|---|---|---|---|",
        .. _entries.Select(entry => FormattableString.Invariant(
            $"| {entry.Name} | {entry.Milliseconds:0.00} | {entry.PerSecond:0} | {(entry.Alone.Count == 0 ? entry.Milliseconds : Statistics.Median(entry.Alone)):0.00} ")
            + (entry.Reference.Count == 0 ? "| | | |" : FormattableString.Invariant($"| {entry.ReferenceMilliseconds:0.00} | {entry.ReferencePerSecond:0} | {entry.Ratio:0.00} |"))),
    ]);
}

/// <summary>A case and its figures.</summary>
internal sealed record RaceEntry(string Name, int Batch, int InFlight, Action Work, object Request, int Runs)
{
    public List<double> Ours { get; } = [];

    public List<double> Alone { get; } = [];

    public List<double> Reference { get; } = [];

    public double Milliseconds => Statistics.Median(Ours);

    public double PerSecond => Batch / Milliseconds * 1000;

    public double ReferenceMilliseconds => Reference.Count == 0 ? double.NaN : Statistics.Median(Reference);

    public double ReferencePerSecond => Batch / ReferenceMilliseconds * 1000;

    public double Ratio => PerSecond / ReferencePerSecond;
}
