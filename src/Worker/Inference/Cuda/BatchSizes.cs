using System.Diagnostics;

namespace VlWorker.Inference.Cuda;

/// <summary>The batch sizes that are recorded, and what each was measured to take. A batch in between is padded to the next, or runs unrecorded.</summary>
internal sealed class BatchSizes
{
    private static readonly int[] Steps = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096];
    private readonly Dictionary<int, (double Plain, double Recorded)> _milliseconds = [];

    /// <param name="settings">Largest batch, and sizes where they are given.</param>
    public BatchSizes(CudaSettings settings) =>
        All = [.. (settings.RecordedBatches.Count > 0 ? settings.RecordedBatches.Order() : Steps.AsEnumerable()).Where(size => size < settings.MaxBatch), settings.MaxBatch];

    /// <summary>The sizes, ascending.</summary>
    public IReadOnlyList<int> All { get; }

    /// <summary>What sizes were measured to take, in milliseconds: kernel by kernel, and recorded.</summary>
    public IReadOnlyDictionary<int, (double Plain, double Recorded)> Milliseconds => _milliseconds;

    /// <summary>Keeps what a size takes.</summary>
    public void Measured(int size, double plain, double recorded) => _milliseconds[size] = (plain, recorded);

    /// <summary>How many rows to run for a batch: the next recorded size, or just the batch's where that was faster kernel by kernel.</summary>
    public int Choose(int rows)
    {
        var index = 0;
        while (All[index] < rows)
            index++;
        var next = All[index];
        if (next == rows || index == 0 || !_milliseconds.TryGetValue(next, out var above) || !_milliseconds.TryGetValue(All[index - 1], out var below))
            return next;
        var share = (rows - All[index - 1]) / (double)(next - All[index - 1]);
        return below.Plain + (share * (above.Plain - below.Plain)) < above.Recorded ? rows : next;
    }

    /// <summary>Milliseconds that something takes.</summary>
    public static double Time(Action run)
    {
        var started = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }
}
