using System.Globalization;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Joining;

/// <summary>What <c>gpu-families</c> measured of SmolVLM-256M on an H200, from its result file.</summary>
internal static class RecordedGpu
{
    /// <summary>The file below bench/results.</summary>
    public const string File = "gpu-families-smolvlm.md";

    private const string OneFrame = "## smolvlm-256m, greedy, 64 tokens";
    private const string ManyFrames = "## smolvlm-256m, 13 frames an image, greedy, 64 tokens";
    private const int Steps = 63;
    private const int MoreFrames = 12;
    private const int Batch = 64;

    /// <summary>
    /// Costs of its parts. Whole answers were recorded, not their parts: what twelve frames more take says what a frame and its tokens take, for a
    /// row of many and for one alone, which stands for the fixed part; the rest of an answer are its steps.
    /// </summary>
    public static StageCosts Costs()
    {
        var (one, many) = (Alone(OneFrame), Alone(ManyFrames));
        var promptRow = (many[Batch] - one[Batch]) / (MoreFrames * Batch);
        var promptFixed = (many[1] - one[1]) / MoreFrames;
        var whole = LeastSquares.Fit([.. one.Keys.Select(static rows => (double[])[1, rows])], [.. one.Values]);
        return new StageCosts(promptFixed, promptRow, (whole[0] - promptFixed) / Steps, Math.Max(0, (whole[1] - promptRow) / Steps), 0);
    }

    /// <summary>The sizes that its batches are padded to.</summary>
    public static IReadOnlyList<int> Sizes(int maxBatch) => new BatchSizes(new CudaSettings(0, 1, maxBatch)).All;

    /// <summary>How many times as many images a second two batches in flight did as one.</summary>
    public static double InFlight(int rows)
    {
        var (alone, together) = Read(OneFrame)[rows];
        return alone / together;
    }

    // Milliseconds of one batch alone, by its rows.
    private static Dictionary<int, double> Alone(string section) => Read(section).ToDictionary(static one => one.Key, static one => one.Value.Alone);

    // Milliseconds of a batch alone and of one with others in flight, by its rows.
    private static Dictionary<int, (double Alone, double Together)> Read(string section)
    {
        var path = Path.Combine(Repository.Root, "bench", "results", File);
        var times = new Dictionary<int, (double Alone, double Together)>();
        var lines = System.IO.File.ReadLines(path).SkipWhile(line => line != section).Skip(1);
        foreach (var line in lines.TakeWhile(static line => !line.StartsWith("## ", StringComparison.Ordinal)))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length > 4 && cells[1].StartsWith("batch ", StringComparison.Ordinal))
                times.Add(int.Parse(cells[1]["batch ".Length..], CultureInfo.InvariantCulture), (Number(cells[4]), Number(cells[2])));
        }

        return times.Count > 0 ? times : throw new InvalidDataException($"{path} has no batches below '{section}'");

        static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);
    }
}
