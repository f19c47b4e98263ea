using VlWorker.Failures;

namespace VlWorker.Inference.Engine;

/// <summary>The way of a batch through a model of any family: what makes no sense is rejected alone, the others run in groups.</summary>
internal static class RowGroups
{
    /// <summary>Runs a batch.</summary>
    /// <typeparam name="TRow">What a family makes of a row.</typeparam>
    /// <typeparam name="TKey">What rows of one group have in common.</typeparam>
    /// <param name="inputs">The rows.</param>
    /// <param name="prepare">Makes a row ready; a <see cref="RejectedException"/> becomes the row's outcome.</param>
    /// <param name="key">Rows with equal keys run together.</param>
    /// <param name="run">Runs a group, or a part of one where the engine fails on a row (<see cref="RowIsolation"/>).</param>
    /// <param name="known">See <see cref="RowIsolation"/>; null where all rows end with their batch.</param>
    /// <returns>One outcome a row, in order.</returns>
    /// <exception cref="OutOfDeviceMemoryException">A group does not fit.</exception>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public static IReadOnlyList<InferenceOutcome> Run<TRow, TKey>(
        IReadOnlyList<InferenceInput> inputs, Func<InferenceInput, TRow> prepare, Func<TRow, TKey> key, RowIsolation.Batch<TRow> run,
        Func<TRow, InferenceOutcome?>? known = null)
    {
        var outcomes = new InferenceOutcome[inputs.Count];
        var runnable = new List<(int Place, TRow Row)>(inputs.Count);
        for (var i = 0; i < inputs.Count; i++)
        {
            try
            {
                runnable.Add((i, prepare(inputs[i])));
            }
            catch (RejectedException error)
            {
                outcomes[i] = new FailedOutcome(error);
            }
        }

        foreach (var group in runnable.GroupBy(entry => key(entry.Row)))
        {
            (int Place, TRow Row)[] entries = [.. group];
            var results = new InferenceOutcome[entries.Length];
            RowIsolation.Run<TRow>([.. entries.Select(static entry => entry.Row)], results, run, known ?? (static _ => null));
            for (var i = 0; i < entries.Length; i++)
                outcomes[entries[i].Place] = results[i];
        }

        return outcomes;
    }
}
