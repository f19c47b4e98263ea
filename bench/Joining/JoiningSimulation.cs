namespace VlWorker.Bench.Joining;

/// <summary>A device to simulate.</summary>
/// <param name="Name">For the tables.</param>
/// <param name="Costs">What a stream's batches take.</param>
/// <param name="Streams">Batches in flight.</param>
/// <param name="MaxBatch">Rows of one at most.</param>
/// <param name="Prompt">Tokens of a prompt.</param>
internal sealed record SimulatedEngine(string Name, StageCosts Costs, int Streams, int MaxBatch, int Prompt)
{
    /// <summary>Sizes that a step is padded to, ascending; empty where it takes the rows there are.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [];

    /// <summary>Whether a finished row keeps its place in every step until its whole batch is finished.</summary>
    public bool KeepsPlaces { get; init; }

    /// <summary>Time of a step.</summary>
    public double Step(int rows, double tokens) => Costs.Step(Sizes.FirstOrDefault(size => size >= rows, rows), tokens);
}

/// <summary>
/// Rows on a device, whose streams take them in the order of their arrival. An idle stream takes what waits at once; no batch waits to fill up.
/// </summary>
/// <param name="engine">The device.</param>
/// <param name="policy">When rows are taken and answered.</param>
/// <param name="arrivals">When each arrives, in milliseconds, ascending.</param>
/// <param name="lengths">Tokens of each answer.</param>
internal sealed class JoiningSimulation(SimulatedEngine engine, JoiningPolicy policy, double[] arrivals, int[] lengths)
{
    private readonly RunningBatch[] _streams = [.. Enumerable.Range(0, engine.Streams).Select(static _ => new RunningBatch())];
    private int _arrived;
    private int _taken;

    /// <summary>From each row's arrival to its answer, in milliseconds.</summary>
    public double[] Latencies { get; } = new double[arrivals.Length];

    /// <summary>When the last row was answered, in milliseconds.</summary>
    public double Ended { get; private set; }

    /// <summary>Plays it to the end.</summary>
    public JoiningSimulation Run()
    {
        // Always the stream that is furthest behind: so none takes a row before it has come.
        while (_streams.MinBy(static stream => stream.Now) is { Now: < double.PositiveInfinity } stream)
        {
            while (_arrived < arrivals.Length && arrivals[_arrived] <= stream.Now)
                _arrived++;
            var take = policy.Take(stream.Running.Count, _arrived - _taken, engine.MaxBatch);
            if (take > 0)
                Take(stream, take);
            else if (stream.Running.Count > 0)
                Step(stream);
            else
                stream.Now = _arrived < arrivals.Length ? arrivals[_arrived] : double.PositiveInfinity;
        }

        return this;
    }

    private void Take(RunningBatch stream, int rows)
    {
        stream.Now += engine.Costs.Prompt(rows);
        stream.Size = stream.Running.Count + rows;
        for (var i = 0; i < rows; i++, _taken++)
            stream.Running.Add(new RunningRow(_taken, 1));
        Settle(stream);
    }

    private void Step(RunningBatch stream)
    {
        var rows = engine.KeepsPlaces && !policy.Joins ? stream.Size : stream.Running.Count;
        stream.Now += engine.Step(rows, stream.Running.Sum(row => (double)engine.Prompt + row.Tokens));
        for (var i = 0; i < stream.Running.Count; i++)
            stream.Running[i] = stream.Running[i] with { Tokens = stream.Running[i].Tokens + 1 };
        Settle(stream);
    }

    // Finished rows leave, whenever they are answered.
    private void Settle(RunningBatch stream)
    {
        foreach (var row in stream.Running.Where(row => row.Tokens >= lengths[row.Index]))
            stream.Finished.Add(row.Index);
        stream.Running.RemoveAll(row => row.Tokens >= lengths[row.Index]);
        if (stream.Running.Count > 0 && !policy.AnswersAtOnce)
            return;
        foreach (var row in stream.Finished)
            Latencies[row] = stream.Now - arrivals[row];
        stream.Finished.Clear();
        Ended = Math.Max(Ended, stream.Now);
    }

    /// <summary>A row and the tokens it has.</summary>
    private readonly record struct RunningRow(int Index, int Tokens);

    private sealed class RunningBatch
    {
        public double Now { get; set; }

        /// <summary>Rows that were there when the last ones came.</summary>
        public int Size { get; set; }

        public List<RunningRow> Running { get; } = [];

        /// <summary>Rows that are finished and not answered.</summary>
        public List<int> Finished { get; } = [];
    }
}
