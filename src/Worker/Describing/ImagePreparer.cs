using System.Diagnostics;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Describing;

/// <summary>An image of a request, fetched, decoded and prepared for each of its tasks. Its pixels are the caller's.</summary>
/// <param name="Facts">What was read.</param>
/// <param name="Decoded">The pixels.</param>
/// <param name="Fetch">Time that fetching took.</param>
/// <param name="Decode">Time that decoding took.</param>
internal sealed record PreparedImage(ImageFacts Facts, DecodedImage Decoded, TimeSpan Fetch, TimeSpan Decode);

/// <summary>Fetches and decodes the images of a request, one after the other.</summary>
/// <remarks>
/// Who holds one image's pixels while waiting for memory for the next could wait for others that do the same. So a request of several images takes a
/// grant for all of them first, of a budget of its own half as large as that of pixels, and what is decoded is charged to it.
/// </remarks>
internal sealed class ImagePreparer(IObjectStore store, ImageDecoder decoder, WorkerMetrics metrics, TimeProvider time)
{
    private readonly MemoryBudget _several = new((decoder.PixelBudget.Capacity + 1) / 2);

    /// <summary>Bytes of requests with several images.</summary>
    public long Held => _several.Used;

    /// <summary>Prepares all images of a request, in order.</summary>
    /// <param name="request">The request.</param>
    /// <param name="plans">Its tasks.</param>
    /// <param name="open">Where the first image's bytes come from. They are disposed of here.</param>
    /// <param name="turn">Entered before the last image is decoded, and stays so; the others have turns of their own.</param>
    /// <param name="urgent">Whether somebody waits for it.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    /// <exception cref="RejectedException">An image is at fault; of several the message says which.</exception>
    public async Task<IReadOnlyList<PreparedImage>> PrepareAsync(
        DescribeImage request, IReadOnlyList<TaskPlan> plans, Func<CancellationToken, Task<FetchedObject>> open, WorkTurn turn, bool urgent,
        CancellationToken cancellation)
    {
        if (request.MoreImages is not { Count: > 0 } more)
            return [await PrepareOneAsync(request, plans, open, turn, urgent, cancellation)];
        var most = (1 + more.Count) * plans.Sum(static plan => DecodingCost.MostPrepared(plan.Model.Images!.Resize));
        using var grant = await _several.AcquireAsync(most, cancellation);
        var images = new List<PreparedImage>(1 + more.Count);
        try
        {
            await AddAsync("image", open, false);
            for (var i = 0; i < more.Count; i++)
            {
                var reference = more[i];
                await AddAsync($"moreImages[{i}]", token => store.FetchAsync(reference, token), i == more.Count - 1);
            }

            return images;
        }
        catch
        {
            foreach (var pixels in images.SelectMany(static image => image.Decoded.Prepared))
                pixels.Dispose();
            throw;
        }

        async Task AddAsync(string name, Func<CancellationToken, Task<FetchedObject>> from, bool last)
        {
            // Nothing is fetched in the request's turn: who waits for one may hold what fetching waits for.
            using var own = last ? null : new WorkTurn(turn.Mark);
            try
            {
                images.Add(await PrepareOneAsync(request, plans, from, own ?? turn, urgent, cancellation));
            }
            catch (RejectedException error)
            {
                throw new RejectedException(error.Reason, $"{name}: {error.Message}", error);
            }

            foreach (var pixels in images[^1].Decoded.Prepared)
                pixels.Recharge(grant.Split(pixels.Rgb.Length));
        }
    }

    private async Task<PreparedImage> PrepareOneAsync(
        DescribeImage request, IReadOnlyList<TaskPlan> plans, Func<CancellationToken, Task<FetchedObject>> open, WorkTurn turn, bool urgent,
        CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        using var fetched = await Tracing.StageAsync("fetch", span => OpenAsync(open, span, cancellation));
        var fetch = time.GetElapsedTime(started);
        metrics.Stage("fetch", fetch);
        RequestChecks.Deadline(request.Deadline, time, "while the image was fetched");

        await turn.EnterAsync(cancellation);
        started = time.GetTimestamp();
        var content = fetched.Content;
        var decoded = await Tracing.StageAsync(
            "decode", _ => decoder.DecodeAsync(content, [.. plans.Select(plan => plan.Model.Images!.Resize)], cancellation, turn.Mark, urgent));
        var decode = time.GetElapsedTime(started);
        metrics.Stage("decode", decode);
        var facts = new ImageFacts(
            fetched.VersionId, fetched.Etag, fetched.Sha256, fetched.Content.Length, decoded.Width, decoded.Height, decoded.Format);
        return new PreparedImage(facts, decoded, fetch, decode);
    }

    private static async Task<FetchedObject> OpenAsync(
        Func<CancellationToken, Task<FetchedObject>> open, Activity? span, CancellationToken cancellation)
    {
        var fetched = await open(cancellation);
        span?.SetTag("vlworker.image.bytes", fetched.Content.Length);
        return fetched;
    }
}
