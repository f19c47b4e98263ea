using VlWorker.Failures;

namespace VlWorker.Inference.Engine;

/// <summary>The rows that join one of a model's batches: what makes no sense is rejected alone, each has an outcome in the end.</summary>
/// <remarks>Used by one thread at a time.</remarks>
/// <typeparam name="TRow">What a family makes of a row.</typeparam>
/// <param name="source">Gives them.</param>
/// <param name="prepare">Makes a row ready; a <see cref="RejectedException"/> becomes the row's outcome.</param>
/// <param name="known">The outcome of a row that has ended; null for the others.</param>
internal sealed class JoinedRows<TRow>(IRowSource source, Func<InferenceInput, TRow> prepare, Func<TRow, InferenceOutcome?> known)
    where TRow : struct
{
    private readonly List<(TRow? Row, InferenceOutcome? Rejected)> _all = [];

    /// <summary>Takes rows for the batch. What it does not run, since it can't, stays for <see cref="Finish"/>.</summary>
    public IReadOnlyList<TRow> Take(int most)
    {
        var rows = new List<TRow>();
        foreach (var input in source.Take(most))
        {
            try
            {
                rows.Add(prepare(input));
                _all.Add((rows[^1], null));
            }
            catch (RejectedException error)
            {
                _all.Add((null, new FailedOutcome(error)));
                input.OnOutcome?.Invoke(_all[^1].Rejected!);
            }
        }

        return rows;
    }

    /// <summary>Runs those that are open, as the batch could not run them or has failed; see <see cref="RowIsolation"/>.</summary>
    /// <param name="run">Runs rows as one batch.</param>
    /// <returns>One outcome a row, in the order in which they came.</returns>
    /// <exception cref="OutOfDeviceMemoryException">They do not fit.</exception>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public IReadOnlyList<InferenceOutcome> Finish(RowIsolation.Batch<TRow> run)
    {
        var outcomes = _all.Select(one => one.Rejected ?? known(one.Row!.Value)).ToArray();
        int[] open = [.. Enumerable.Range(0, outcomes.Length).Where(i => outcomes[i] is null)];
        if (open.Length > 0)
        {
            var results = new InferenceOutcome[open.Length];
            RowIsolation.Run<TRow>([.. open.Select(i => _all[i].Row!.Value)], results, run, known);
            for (var i = 0; i < open.Length; i++)
                outcomes[open[i]] = results[i];
        }

        return outcomes!;
    }
}
