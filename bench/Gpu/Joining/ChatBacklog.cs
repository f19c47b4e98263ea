using System.Diagnostics;
using VlWorker.Bench.Gpu.Families;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Gpu.Joining;

/// <summary>Rows that wait for an engine, each about an image of its own and with a length of its own. Taken in order, by several threads.</summary>
internal sealed class ChatBacklog
{
    private const int WordsAtMost = 16;
    private static readonly InferenceOutcome Done = new EmbeddingOutcome([]);

    private readonly Lock _gate = new();
    private readonly ChatRow[] _rows;
    private readonly double[] _arrivals;
    private readonly long _started = Stopwatch.GetTimestamp();
    private int _next;

    /// <summary>Rows that arrive from this moment on.</summary>
    /// <param name="images">Images, which rows share in turn.</param>
    /// <param name="lengths">Tokens of each answer.</param>
    /// <param name="arrivals">When each arrives, in milliseconds, ascending.</param>
    public ChatBacklog(PreparedPixels[] images, int[] lengths, double[] arrivals)
    {
        (_arrivals, Answers, Latencies) = (arrivals, new int[lengths.Length][], new double[lengths.Length]);
        _rows = [.. lengths.Select((length, row) => Row(row, images[row % images.Length], length))];
    }

    /// <summary>What each row said.</summary>
    public int[][] Answers { get; }

    /// <summary>From each row's arrival to its answer, in milliseconds.</summary>
    public double[] Latencies { get; }

    /// <summary>Joins that brought rows.</summary>
    public int Joins { get; private set; }

    /// <summary>Rows that have not been taken.</summary>
    public bool IsLeft
    {
        get
        {
            lock (_gate)
                return _next < _rows.Length;
        }
    }

    /// <summary>How long until the next row arrives, in whole milliseconds; zero where none is left.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            lock (_gate)
                return TimeSpan.FromMilliseconds(_next < _rows.Length ? Math.Max(0, Math.Ceiling(_arrivals[_next] - Now)) : 0);
        }
    }

    private double Now => Stopwatch.GetElapsedTime(_started).TotalMilliseconds;

    /// <summary>Takes what has arrived, so many at most.</summary>
    public ChatRow[] Take(int most)
    {
        lock (_gate)
        {
            var first = _next;
            for (var now = Now; _next < Math.Min(first + most, _rows.Length) && _arrivals[_next] <= now; _next++)
            {
                // The next one.
            }

            return _rows[first.._next];
        }
    }

    /// <summary>The same for a batch that runs.</summary>
    public IReadOnlyList<ChatRow> Join(int most)
    {
        var rows = Take(most);
        lock (_gate)
            Joins += rows.Length > 0 ? 1 : 0;
        return rows;
    }

    private ChatRow Row(int row, PreparedPixels image, int length)
    {
        var random = new Random(row);
        // Questions differ, in their lengths, too.
        int[] prompt = [.. ChatCase.Prompt(1), .. Enumerable.Range(0, 1 + random.Next(WordsAtMost)).Select(_ => random.Next(100, 40_000))];
        var parameters = new GenerationParameters(1 + length, 0, 1, 1, EarlyStopping.Always, 0, 1, 1);
        var end = new RowEnd(new ImageInput(Tasks.Answer, image, parameters), result => Ended(row, prompt.Length, result));
        return new ChatRow([image], new RowRequest(parameters, prompt) { End = end });
    }

    private InferenceOutcome Ended(int row, int prompt, RowResult result)
    {
        Latencies[row] = Now - _arrivals[row];
        if (result.Error is not null)
            throw new InvalidOperationException("a row failed", result.Error);
        Answers[row] = result.Sequences[0].Tokens[prompt..];
        return Done;
    }
}
