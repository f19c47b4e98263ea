using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Demo.Gallery;
using VlWorker.Failures;
using VlWorker.Fetching;

namespace VlWorker.Demo;

/// <summary>Everything that <see cref="GalleryPage"/> needs.</summary>
internal sealed record GalleryPageSource(GalleryContent Content, IReadOnlyList<byte[]?> Thumbnails, int[][] Neighbours)
{
    /// <summary>Writes the page.</summary>
    public void Write(Stream stream) => GalleryPage.Write(stream, Content, Thumbnails, Neighbours);
}

/// <summary>Turns a run into a page: thumbnails, neighbours, facts.</summary>
internal sealed class GalleryBuilder(DemoProgress progress, IObjectStore store)
{
    private const int Suggestions = 14;

    /// <summary>Builds the page's content; this is where the images are read a second time.</summary>
    public async Task<GalleryPageSource> BuildAsync(
        string folder,
        ImageScan scan,
        DemoTally tally,
        IReadOnlyList<GalleryText> texts,
        DemoSettings settings,
        TimeSpan elapsed,
        CancellationToken cancellation)
    {
        var all = tally.Images;
        var images = all.Take(GalleryLimits.Images).ToList();
        var thumbnails = new byte[]?[images.Count];
        var side = GalleryLimits.ThumbnailSide(images.Count);
        await progress.RunAsync("Making thumbnails", "images", images.Count, done =>
            Parallel.ForEachAsync(Enumerable.Range(0, images.Count), Options(cancellation), async (i, token) =>
            {
                thumbnails[i] = await ThumbnailAsync(images[i].Key, side, token);
                done();
            }));
        var neighbours = Neighbours.Find([.. images.Select(image => image.Embedding)], GalleryLimits.Neighbours, cancellation);
        var captions = images.Select(image => image.Caption).OfType<string>().ToList();
        var searchable = texts.Select(text => text.Text).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var content = new GalleryContent(
            Path.GetFileName(folder) is { Length: > 0 } name ? name : folder,
            images,
            [.. tally.Rejected, .. tally.Failed],
            scan.Skipped,
            texts,
            [.. TextVocabulary.Suggest(settings.Queries, captions, Suggestions).Where(searchable.Contains)],
            Facts(tally, elapsed),
            tally.Models,
            all.Count - images.Count)
        {
            Question = settings.Question,
        };
        return new GalleryPageSource(content, thumbnails, neighbours);
    }

    private static List<GalleryFact> Facts(DemoTally tally, TimeSpan elapsed)
    {
        var (described, rejected, failed) = (tally.Images.Count, tally.Rejected.Count, tally.Failed.Count);
        var rate = elapsed > TimeSpan.Zero ? (described + rejected) / elapsed.TotalSeconds : 0;
        var facts = new List<GalleryFact> { new(Number(described), "described"), new(Number(rejected), "rejected") };
        if (failed > 0)
            facts.Add(new GalleryFact(Number(failed), "without an answer"));
        facts.Add(new GalleryFact(rate.ToString("N1", CultureInfo.InvariantCulture), "images/s"));
        return facts;
    }

    private async Task<byte[]?> ThumbnailAsync(string key, int side, CancellationToken cancellation)
    {
        try
        {
            using var image = await store.FetchAsync(new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = key }, cancellation);
            return Thumbnailer.Make(image.Content.Span, side);
        }
        catch (Exception error) when (error is RejectedException or TransientException or DependencyException)
        {
            // Gone or changed since it was described: the page says "no preview".
            return null;
        }
    }

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static ParallelOptions Options(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
}
