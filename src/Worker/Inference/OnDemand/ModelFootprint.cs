using System.Diagnostics;
using VlWorker.Failures;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.OnDemand;

/// <summary>Measures the memory that a device's copy of a model takes: its weights, and what the largest batches of all streams need besides.</summary>
internal static class ModelFootprint
{
    /// <summary>No larger batch is tried once this has been spent: what it would need follows from the rows that were.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(4);

    /// <summary>Loads a copy, runs it on made-up rows, unloads it, and says what that gave back: what the first model of all leaves is not the model's.</summary>
    /// <param name="load">Loads it.</param>
    /// <param name="graphBytes">Size of its graphs' files: mapped weights are no part of the heap.</param>
    /// <param name="device">Where, and how many rows and streams there may be.</param>
    /// <param name="model">The copy, disposed of: it still plans requests.</param>
    /// <returns>Bytes.</returns>
    /// <exception cref="InvalidDataException">It loads, and can't run.</exception>
    public static long Measure(Func<IModel> load, long graphBytes, DeviceSpec device, out IModel model)
    {
        model = load();
        long loaded, full;
        double more;
        try
        {
            loaded = DeviceMemory.InUse(device.Name);
            more = Try(model, device.MaxBatch);
            full = DeviceMemory.InUse(device.Name);
        }
        finally
        {
            model.Dispose();
        }

        // Arenas and workspaces keep what they took: the difference is what the largest batch needed. A GPU's streams have theirs before they run.
        var working = Math.Max(0, full - loaded);
        var held = full - working - DeviceMemory.InUse(device.Name);
        var least = device.Name.Kind == DeviceKind.Cpu ? graphBytes : 0;
        return Math.Max(least, held) + (long)(working * device.Streams * more);
    }

    /// <summary>Runs batches of growing size; returns how many times the rows of the largest there may be.</summary>
    private static double Try(IModel model, int maxBatch)
    {
        using var samples = new SampleRows(model);
        var clock = Stopwatch.StartNew();
        var rows = 1;
        while (true)
        {
            foreach (var sample in samples.All)
            {
                if (!Run(model, sample, rows))
                    return 1;
            }

            if (rows == maxBatch || clock.Elapsed * 4 > Enough)
                return (double)maxBatch / rows;
            rows = Math.Min(rows * 4, maxBatch);
        }
    }

    /// <summary>Whether so many rows fit.</summary>
    private static bool Run(IModel model, InferenceInput sample, int rows)
    {
        try
        {
            // A row that is refused says something of the row, any other failure of the model.
            var failed = model.Run([.. Enumerable.Repeat(sample, rows)], CancellationToken.None).OfType<FailedOutcome>()
                .FirstOrDefault(static outcome => outcome.Error is not RejectedException);
            if (failed is not null)
                throw new InvalidDataException($"a made-up row fails: {failed.Error.Message}", failed.Error);
            return true;
        }
        catch (OutOfDeviceMemoryException) when (rows > 1)
        {
            return false;
        }
    }
}
