
namespace VlWorker.Inference.Generation;

/// <summary>
/// Decodes a batch of rows with different prompts and parameters but the same number of beams; rows that are finished leave it.
/// </summary>
/// <param name="tokens">The model's special tokens.</param>
internal sealed class Generator(GenerationTokens tokens)
{
    private readonly ScoreProcessors _processors = new(tokens);

    /// <summary>Generates for rows whose encoder states, or embedded prompts, lie in the run's memory.</summary>
    /// <param name="run">The decoder's state.</param>
    /// <param name="states">What lies there, for all rows.</param>
    /// <param name="rows">What each row asks for; all have the same number of beams.</param>
    /// <param name="results">Receives each row's sequences, or its failure.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    public void Run(IDecoderRun run, HiddenStates states, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        if (rows[0].Parameters.NumBeams == 1 || !run.TakesImagesSingly(states))
        {
            RunGroup(run, states, rows, results, cancellation);
            return;
        }

        for (var i = 0; i < rows.Length; i++)
            RunGroup(run, states.Single(i), rows.Slice(i, 1), results.Slice(i, 1), cancellation);
    }

    private void RunGroup(IDecoderRun run, HiddenStates states, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        var active = new List<SearchRow>(rows.Length);
        var prompts = new IReadOnlyList<int>[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            prompts[i] = rows[i].Prompt;
            active.Add(rows[i].Parameters.NumBeams > 1 ? new BeamRow(i, rows[i], tokens, _processors) : new SingleRow(i, rows[i], tokens, _processors));
        }

        var width = active[0].Width;
        var plan = new StepPlan(active.Count * width);
        cancellation.ThrowIfCancellationRequested();
        var taken = run.Start(states, new PromptBatch(prompts), width);
        active.ForEach(row => row.Begin(taken));
        for (var rowsEach = 1; Advance(run, active, rowsEach, plan, results); rowsEach = width)
        {
            cancellation.ThrowIfCancellationRequested();
            run.Arrange(plan.Parents, plan.Images);
            run.Step(plan.Tokens);
        }
    }

    // Lets every row choose; the last rows move into the places of those that are finished, so that few rows are copied.
    private static bool Advance(IDecoderRun run, List<SearchRow> active, int rowsEach, StepPlan plan, Span<RowResult> results)
    {
        var width = active[0].Width;
        Span<int> places = active.Count <= 256 ? stackalloc int[active.Count] : new int[active.Count];
        for (var i = 0; i < active.Count; i++)
        {
            places[i] = i;
            var row = active[i];
            var step = new HostStep(row, run.Logits(i * rowsEach, rowsEach), plan.Next(i * width, width), plan.Continues(i * width, width));
            if (!row.Settle(step, static step => step.Advance(), results))
                places[i] = -1;
        }

        plan.Clear();
        var last = active.Count - 1;
        for (var i = 0; i <= last; i++)
        {
            if (places[i] < 0)
            {
                while (last > i && places[last] < 0)
                    last--;
                if (last == i)
                    break;
                active[i] = active[last];
                places[i] = last--;
            }

            plan.Take(places[i], width, rowsEach);
        }

        active.RemoveRange(plan.Rows / width, active.Count - (plan.Rows / width));
        return active.Count > 0;
    }

    private readonly ref struct HostStep(SearchRow row, Span<float> logits, Span<int> next, Span<int> parents)
    {
        private readonly Span<float> _logits = logits;
        private readonly Span<int> _next = next;
        private readonly Span<int> _parents = parents;

        public bool Advance() => row.Advance(_logits, _next, _parents);
    }
}

/// <summary>What became of one row: its sequences, best first, or its failure.</summary>
internal readonly record struct RowResult(IReadOnlyList<FoundSequence> Sequences, Exception? Error);
