using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>
/// Searches whose choices are made on the GPU. The host reads a step's choices while the next step runs, and stops once every row has ended;
/// so one step may run in vain.
/// </summary>
/// <param name="tokens">The model's special tokens.</param>
/// <param name="ngrams">Length of the n-grams that the steps can keep from repeating; 0 where they can't.</param>
internal sealed class DeviceSearch(GenerationTokens tokens, int ngrams = 0)
{
    private readonly ScoreProcessors _processors = new(tokens);

    /// <summary>Gives the rows what a step chose; returns how many go on.</summary>
    private delegate int SettleStep(int step, Span<RowResult> results);

    /// <summary>Whether the GPU's choices are the ones asked for: nothing changes the scores before the choice that the steps don't do themselves.</summary>
    public bool Fits(RowRequest row) =>
        row is { Stop: null, Parameters: { RepetitionPenalty: 1.0, MinNewTokens: <= 0, Sampling: null } parameters }
        && (parameters.NoRepeatNgramSize == 0 || parameters.NoRepeatNgramSize == ngrams) && (parameters.NumBeams == 1 || tokens.End.Count <= 1);

    /// <summary>Steps that rows take at most: one a token, but for the last.</summary>
    public static int Steps(ReadOnlySpan<RowRequest> requests)
    {
        var longest = 0;
        foreach (var row in requests)
            longest = Math.Max(longest, row.Prompt.Count - 1 + row.Parameters.MaxNewTokens);
        return longest;
    }

    /// <summary>Greedy search for a batch whose images are encoded.</summary>
    /// <param name="plan">The steps.</param>
    /// <param name="size">Rows that run; those beyond the batch are ignored.</param>
    /// <param name="requests">What each image's row asks for, in the order of <see cref="GivenTokens.Write"/>.</param>
    /// <param name="results">Receives each image's sequence, or its failure.</param>
    /// <param name="queued">Called once the last possible step is queued; not where the search ends before.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    public void Greedy(
        GreedyPlan plan, int size, ReadOnlySpan<RowRequest> requests, Span<RowResult> results, Action queued, CancellationToken cancellation)
    {
        var rows = new SingleRow?[requests.Length];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = new SingleRow(i, requests[i], tokens, _processors);
        Run(plan, size, requests, results, queued, Settled, cancellation);

        int Settled(int step, Span<RowResult> into)
        {
            var chosen = plan.Tokens(step, rows.Length);
            var open = 0;
            for (var i = 0; i < rows.Length; i++)
            {
                var (token, probability) = ((int)chosen[i], plan.LogProbability(step, i));
                open += Settle(rows, i, step, row => row.AcceptChoice(token, probability), into) ? 1 : 0;
            }

            return open;
        }
    }

    /// <summary>Beam search for a batch whose images are encoded; see <see cref="Greedy"/>.</summary>
    public void Beams(
        BeamPlan plan, int size, ReadOnlySpan<RowRequest> requests, Span<RowResult> results, Action queued, CancellationToken cancellation)
    {
        var rows = new BeamRow?[requests.Length];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = new BeamRow(i, requests[i], tokens, _processors);
        var beams = requests[0].Parameters.NumBeams;
        var (candidates, unused) = (new Candidate[2 * beams], new int[beams]);
        Run(plan, size, requests, results, queued, Settled, cancellation);

        int Settled(int step, Span<RowResult> into)
        {
            var open = 0;
            for (var i = 0; i < rows.Length; i++)
            {
                if (rows[i] is null)
                    continue;
                plan.Candidates(step, i, candidates);
                open += Settle(rows, i, step, row => row.AcceptChoice(candidates, unused, unused), into) ? 1 : 0;
            }

            return open;
        }
    }

    private void Run(
        SearchPlan plan, int size, ReadOnlySpan<RowRequest> requests, Span<RowResult> results, Action queued, SettleStep settle,
        CancellationToken cancellation)
    {
        plan.Begin(requests, tokens);
        var steps = Steps(requests);
        for (var step = 0; step <= steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (step < steps)
                plan.Queue(size, step);
            if (step == steps - 1)
                queued();
            if (step == 0)
                continue;
            plan.Wait(size, step - 1);
            if (settle(step - 1, results) == 0)
                return;
        }
    }

    // A row that is over keeps its place and is not looked at again; one whose prompt has not run is not looked at yet.
    private static bool Settle<T>(T?[] rows, int index, int step, Func<T, bool> accept, Span<RowResult> results)
        where T : SearchRow
    {
        if (rows[index] is not { } row)
            return false;
        if (step < row.Prompt.Count - 1)
            return true;
        if (row.Settle(row, accept, results))
            return true;
        rows[index] = null;
        return false;
    }
}
