using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Models.Verification;

/// <summary>Decodes each image once for both models, as the worker does.</summary>
internal sealed class ImageFeed(ImageSet images, ResizePlan original, ResizePlan candidate) : IDisposable
{
    /// <summary>Images in memory at a time; with both models' pixels of the largest usual size this is far within the budget.</summary>
    private const int Window = 16;

    private readonly ImageDecoder _decoder = new(new DecodingOptions { PixelBudgetBytes = 4L << 30 });

    /// <summary>Images that could not be decoded, so far.</summary>
    public List<ImageProblem> Undecodable { get; } = [];

    /// <summary>All images that can be decoded, in order, in windows. The pixels are disposed of when the next window is asked for.</summary>
    public async IAsyncEnumerable<IReadOnlyList<DecodedPair>> WindowsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var names in images.Names.Chunk(Window))
        {
            var pairs = await DecodeAsync(names, cancellation);
            try
            {
                if (pairs.Count > 0)
                    yield return pairs;
            }
            finally
            {
                pairs.ForEach(pair => pair.Dispose());
            }
        }
    }

    /// <summary>The first images that can be decoded; the caller disposes of them.</summary>
    /// <param name="count">Images at most.</param>
    /// <param name="cancellation">Ends the decoding.</param>
    public async Task<List<DecodedPair>> FirstAsync(int count, CancellationToken cancellation)
    {
        var first = new List<DecodedPair>();
        foreach (var names in images.Names.Chunk(Window))
        {
            if (first.Count < count)
                first.AddRange(await DecodeAsync(names, cancellation));
        }

        first.Skip(count).ToList().ForEach(pair => pair.Dispose());
        return [.. first.Take(count)];
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    private async Task<List<DecodedPair>> DecodeAsync(string[] names, CancellationToken cancellation)
    {
        var results = await Task.WhenAll(names.Select(name => TryDecodeAsync(name, cancellation)));
        var problems = results.Select(result => result.Problem).OfType<ImageProblem>();
        Undecodable.AddRange(problems.Where(problem => Undecodable.TrueForAll(known => known.Name != problem.Name)).ToList());
        return [.. results.Select(result => result.Pair).OfType<DecodedPair>()];
    }

    private async Task<(DecodedPair? Pair, ImageProblem? Problem)> TryDecodeAsync(string name, CancellationToken cancellation)
    {
        try
        {
            var encoded = await File.ReadAllBytesAsync(Path.Combine(images.Folder, name), cancellation);
            var decoded = await _decoder.DecodeAsync(encoded, [original, candidate], cancellation);
            return (new DecodedPair(name, decoded.Prepared[0], decoded.Prepared[1]), null);
        }
        catch (RejectedException error)
        {
            return (null, new ImageProblem(name, $"{error.Reason}: {error.Message}"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, new ImageProblem(name, error.Message));
        }
    }
}

/// <summary>An image as each of the two models takes it; owns the pixels.</summary>
internal sealed record DecodedPair(string Name, PreparedPixels Original, PreparedPixels Candidate) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Original.Dispose();
        Candidate.Dispose();
    }
}
