using Microsoft.ML.OnnxRuntime;
using VlWorker.Failures;

namespace VlWorker.Inference.Engine;

/// <summary>Makes one row's failure in a graph its own: a batch that fails is run again in halves until the culprit is alone.</summary>
/// <remarks>What the device is short of, or its loss, is no row's failure: that goes to the caller.</remarks>
internal static class RowIsolation
{
    /// <summary>Runs some rows, and halves of them if the engine fails.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="outcomes">Receives one outcome a row.</param>
    /// <param name="run">Runs rows as one batch: rows in, outcomes out.</param>
    /// <param name="known">The outcome of a row that had ended before its batch failed, which is not run again; null for the others.</param>
    /// <exception cref="OutOfDeviceMemoryException">The rows together do not fit.</exception>
    /// <exception cref="DeviceLostException">The device is lost.</exception>
    public static void Run<T>(ReadOnlySpan<T> rows, Span<InferenceOutcome> outcomes, Batch<T> run, Func<T, InferenceOutcome?> known)
    {
        try
        {
            run(rows, outcomes);
            return;
        }
        catch (OnnxRuntimeException error) when (EngineFaults.Of(error) is { } fault)
        {
            throw fault;
        }
        catch (OnnxRuntimeException error) when (rows.Length == 1)
        {
            outcomes[0] = known(rows[0]) ?? new FailedOutcome(new TransientException($"the engine failed on this row: {error.Message}", error));
            return;
        }
        catch (OnnxRuntimeException)
        {
            // Below: the halves, each by itself.
        }

        var open = new List<int>(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            if (known(rows[i]) is { } outcome)
                outcomes[i] = outcome;
            else
                open.Add(i);
        }

        var half = open.Count < rows.Length ? 0 : rows.Length / 2;
        foreach (var part in (List<int>[])[open[..half], open[half..]])
        {
            var (some, results) = (new T[part.Count], new InferenceOutcome[part.Count]);
            for (var i = 0; i < some.Length; i++)
                some[i] = rows[part[i]];
            if (some.Length > 0)
                Run(some, results, run, known);
            for (var i = 0; i < some.Length; i++)
                outcomes[part[i]] = results[i];
        }
    }

    /// <summary>Runs rows as one batch.</summary>
    public delegate void Batch<T>(ReadOnlySpan<T> rows, Span<InferenceOutcome> outcomes);
}
