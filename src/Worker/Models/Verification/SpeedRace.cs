using VlWorker.Decoding;

namespace VlWorker.Models.Verification;

/// <summary>Measures images a second of the two engines, which take turns, with as many streams as the worker would use.</summary>
internal sealed class SpeedRace(IReadOnlyList<DecodedPair> images, int batch, TimeProvider time)
{
    /// <summary>Different images in a round, at most.</summary>
    public const int MostImages = 32;

    private static readonly int Streams = Environment.ProcessorCount;

    /// <summary>Runs a round of each to warm up, then the rounds that count; who starts changes from round to round.</summary>
    public SpeedComparison Run(ComparedModel original, ComparedModel candidate, int rounds, CancellationToken cancellation)
    {
        var (left, right) = (new List<double>(), new List<double>());
        for (var round = -1; round < rounds; round++)
        {
            var (first, second) = round % 2 == 0 ? (left, right) : (right, left);
            first.Add(Measure(first == left ? original : candidate, first == left, cancellation));
            second.Add(Measure(second == left ? original : candidate, second == left, cancellation));
        }

        return new SpeedComparison(images.Count, batch, Streams, left[1..], right[1..]);
    }

    /// <summary>Runs a batch on every stream at once: what the process holds then is what the model needs.</summary>
    public void Touch(ComparedModel model, bool isOriginal, CancellationToken cancellation)
    {
        var pixels = PixelsOf(isOriginal).Take(batch).ToList();
        Parallel.For(0, Streams, Options(cancellation), _ => model.RunImages(pixels, cancellation));
    }

    private double Measure(ComparedModel model, bool isOriginal, CancellationToken cancellation)
    {
        var batches = PixelsOf(isOriginal).Chunk(batch).ToList();
        var started = time.GetTimestamp();
        Parallel.ForEach(batches, Options(cancellation), part => model.RunImages(part, cancellation));
        return images.Count / time.GetElapsedTime(started).TotalSeconds;
    }

    private IEnumerable<PreparedPixels> PixelsOf(bool isOriginal) => images.Select(pair => isOriginal ? pair.Original : pair.Candidate);

    private static ParallelOptions Options(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = Streams, CancellationToken = cancellation };
}
