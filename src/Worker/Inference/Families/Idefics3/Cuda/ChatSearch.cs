using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// Greedy search whose choices are made on the GPU. The host reads a step's choices while the next step runs, and stops once every row has ended;
/// so one step may run in vain.
/// </summary>
/// <param name="tokens">The model's special tokens.</param>
internal sealed class ChatSearch(GenerationTokens tokens)
{
    private readonly ScoreProcessors _processors = new(tokens);

    /// <summary>Whether the GPU's choices are the ones asked for: nothing changes the scores before the choice.</summary>
    public bool Fits(RowRequest row) =>
        row is { Parameters: { NumBeams: 1, RepetitionPenalty: 1.0, NoRepeatNgramSize: 0, MinNewTokens: <= 0, Sampling: null } } && tokens.ForcedLast is null
        && (tokens.ForcedFirst is null || row.Prompt.Count > 1);

    /// <summary>Generates for a batch whose prompts are queued.</summary>
    /// <param name="plan">The steps.</param>
    /// <param name="size">Rows that run; those beyond the batch are ignored.</param>
    /// <param name="recordable">Whether batches of this size come again.</param>
    /// <param name="places">Where each row lies.</param>
    /// <param name="requests">What it asks for.</param>
    /// <param name="results">Receives its sequence, or its failure.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    public void Run(
        ChatPlan plan, int size, bool recordable, int[] places, ReadOnlySpan<RowRequest> requests, Span<RowResult> results, CancellationToken cancellation)
    {
        var (rows, steps) = (new SingleRow?[requests.Length], 0);
        for (var i = 0; i < rows.Length; i++)
            (rows[i], steps) = (new SingleRow(i, requests[i], tokens, _processors), Math.Max(steps, requests[i].Parameters.MaxNewTokens));
        for (var step = 0; step <= steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (step < steps)
                plan.Queue(size, step, recordable);
            if (step == 0)
                continue;
            plan.Wait(size, step - 1);
            var chosen = plan.Tokens(step - 1, size);
            var open = 0;
            for (var i = 0; i < rows.Length; i++)
            {
                var choice = (Row: rows[i], Token: (int)chosen[places[i]], LogProbability: plan.LogProbability(step - 1, places[i]));
                // A row that is over keeps its place and is not looked at again.
                if (choice.Row?.Settle(choice, static choice => choice.Row!.AcceptChoice(choice.Token, choice.LogProbability), results) == false)
                    rows[i] = null;
                open += rows[i] is null ? 0 : 1;
            }

            if (open == 0)
                return;
        }
    }
}
