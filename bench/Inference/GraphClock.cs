using System.Diagnostics;
using VlWorker.Inference;

namespace VlWorker.Bench.Inference;

/// <summary>Tells the parts of a batch's time apart by the moments at which its decoder runs; for several streams at a time, each a thread.</summary>
internal sealed class GraphClock
{
    [ThreadStatic]
    private static List<long>? _moments;

    private string? _decoder;

    /// <summary>For the model's options.</summary>
    public GraphWatch Watch => (file, _, _) =>
    {
        if (file == _decoder)
            Mark();
    };

    /// <summary>Says which file the decoder is, once that is known.</summary>
    public void Follow(string decoder) => _decoder = Path.GetFileName(decoder);

    /// <summary>Times a batch whose rows all generate as many tokens: one with the prompt, one with each step.</summary>
    /// <param name="run">Runs it.</param>
    /// <param name="tokens">Tokens of each row, two or more.</param>
    public StageTimes Time(Action run, int tokens)
    {
        _moments = [];
        Mark();
        run();
        Mark();
        // However many runs the prompts took, the steps are the last ones.
        var steps = _moments[^tokens..];
        return new StageTimes(
            Stopwatch.GetElapsedTime(_moments[0], steps[0]).TotalMilliseconds,
            [.. steps.Zip(steps.Skip(1), static (from, to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds)]);
    }

    private static void Mark() => _moments?.Add(Stopwatch.GetTimestamp());
}

/// <summary>Times of a batch's parts, in milliseconds.</summary>
/// <param name="Prompt">Images and prompts.</param>
/// <param name="Steps">Each step.</param>
internal sealed record StageTimes(double Prompt, double[] Steps);
