using System.Diagnostics;
using VlWorker.Failures;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.OnDemand;

/// <summary>Measures the memory that a processor's copy of a model takes: its weights, and what the largest batches of all streams need besides.</summary>
internal static class ModelFootprint
{
    /// <summary>No larger batch is tried once this has been spent: what it would need follows from the rows that were.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(4);

    /// <summary>Loads a copy, runs it on made-up rows, and says what it takes.</summary>
    /// <param name="load">Loads it.</param>
    /// <param name="graphBytes">Size of its graphs' files: mapped weights are no part of the heap.</param>
    /// <param name="device">How many rows and streams there may be.</param>
    /// <param name="model">The copy, the caller's.</param>
    /// <returns>Bytes.</returns>
    /// <exception cref="InvalidDataException">It loads, and can't run.</exception>
    public static long Measure(Func<IModel> load, long graphBytes, DeviceSpec device, out IModel model)
    {
        var before = HeapUse.Now();
        model = load();
        var loaded = HeapUse.Now();
        int rows;
        try
        {
            rows = Try(model, device.MaxBatch);
        }
        catch
        {
            model.Dispose();
            throw;
        }

        // Arenas and workspaces keep what they took: the difference is what the largest batch needed.
        var working = Math.Max(0, HeapUse.Now() - loaded);
        return Math.Max(graphBytes, loaded - before) + (working * device.Streams * device.MaxBatch / rows);
    }

    /// <summary>Runs batches of growing size; returns the rows of the largest.</summary>
    private static int Try(IModel model, int maxBatch)
    {
        using var samples = new SampleRows(model);
        var clock = Stopwatch.StartNew();
        var rows = 1;
        while (true)
        {
            foreach (var sample in samples.All)
            {
                // A row that is refused says something of the row, any other failure of the model.
                var failed = model.Run([.. Enumerable.Repeat(sample, rows)], CancellationToken.None).OfType<FailedOutcome>()
                    .FirstOrDefault(static outcome => outcome.Error is not RejectedException);
                if (failed is not null)
                    throw new InvalidDataException($"a made-up row fails: {failed.Error.Message}", failed.Error);
            }

            if (rows == maxBatch || clock.Elapsed * 4 > Enough)
                return rows;
            rows = Math.Min(rows * 4, maxBatch);
        }
    }
}
