using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Journal;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Inference.Families.Idefics3;

namespace VlWorker.Worker.Tests.Describing;

public sealed class ImagePreparerTests : IClassFixture<ChatFixture>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly MemoryBudget _encoded = new(1 << 20);
    private readonly CrashJournal _journal = new(new JournalOptions { Deaths = 0 }, TimeProvider.System, NullLogger<CrashJournal>.Instance);
    private readonly FolderObjectStore _store;
    private readonly TaskPlan[] _plans;
    private readonly string[] _files;
    private ImageDecoder _decoder = new(new DecodingOptions { Decoders = 2 });

    public ImagePreparerTests(ChatFixture fixture)
    {
        var folder = Path.Combine(fixture.Folder, "golden", "images");
        _files = [.. Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        _store = new FolderObjectStore(
            new StoreOptions { Kind = StoreKind.Folder, Folder = folder, FolderBucket = "all", Buckets = ["all"] }, new FetchingOptions(), _encoded, TimeProvider.System);
        _plans = [new TaskPlan(Tasks.Answer, fixture.Exported, null), new TaskPlan(Tasks.Caption, fixture.Exported, null)];
    }

    [Fact]
    public async Task All_images_are_prepared_for_all_tasks_in_order_and_charged_until_they_are_given_back()
    {
        var preparer = Preparer();
        var images = await PrepareAsync(preparer, _files);

        Assert.Equal(_files.Length, images.Select(image => image.Facts.Sha256).Distinct().Count());
        foreach (var (file, image) in _files.Zip(images))
        {
            var alone = Assert.Single(await PrepareAsync(preparer, file));
            Assert.Equal(alone.Facts, image.Facts);
            Assert.Equal(alone.Decoded.Prepared.Select(pixels => pixels.Rgb.ToArray()), image.Decoded.Prepared.Select(pixels => pixels.Rgb.ToArray()));
            GiveBack([alone]);
        }

        Assert.Equal(images.Sum(image => image.Decoded.Prepared.Sum(pixels => pixels.Rgb.Length)), preparer.Held);
        Assert.Equal((0, 0), (_decoder.PixelBudget.Used, _encoded.Used));
        GiveBack(images);
        Assert.Equal(0, preparer.Held);
        // Every turn was given back: somebody who works alone gets in.
        await _journal.OfNobody("next").Gate.EnterAsync(true, 0, CancellationToken.None).WaitAsync(Patience);
    }

    [Fact]
    public async Task An_image_at_fault_is_named_and_the_others_are_given_back()
    {
        var preparer = Preparer();
        var missing = await Assert.ThrowsAsync<RejectedException>(() => PrepareAsync(preparer, _files[0], _files[1], "nothing.png"));
        Assert.Equal(RejectionReason.NotFound, missing.Reason);
        Assert.StartsWith("moreImages[1]: ", missing.Message, StringComparison.Ordinal);
        Assert.StartsWith(
            "image: ", (await Assert.ThrowsAsync<RejectedException>(() => PrepareAsync(preparer, "nothing.png", _files[0]))).Message, StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (preparer.Held, _decoder.PixelBudget.Used, _encoded.Used));
    }

    [Fact]
    public async Task Many_requests_of_several_images_in_too_little_memory_come_through_one_after_the_other()
    {
        _decoder.Dispose();
        _decoder = new ImageDecoder(new DecodingOptions { Decoders = 2, PixelBudgetBytes = 1000 });
        var preparer = Preparer();
        var requests = Enumerable.Range(0, 24).Select(async i =>
        {
            await Task.Yield();
            string[] files = i % 3 == 0 ? [_files[0]] : [.. _files.Take(1 + (i % 3))];
            var images = await PrepareAsync(preparer, files);
            await Task.Yield();
            GiveBack(images);
        });

        await Task.WhenAll(requests).WaitAsync(Patience);
        Assert.Equal((0, 0), (preparer.Held, _decoder.PixelBudget.Used));
    }

    public void Dispose() => _decoder.Dispose();

    private static void GiveBack(IEnumerable<PreparedImage> images)
    {
        foreach (var pixels in images.SelectMany(image => image.Decoded.Prepared))
            pixels.Dispose();
    }

    private ImagePreparer Preparer() => new(_store, _decoder, new WorkerMetrics(Metrics.NewCustomRegistry()), TimeProvider.System);

    private async Task<IReadOnlyList<PreparedImage>> PrepareAsync(ImagePreparer preparer, params string[] files)
    {
        ImageReference[] references = [.. files.Select(file => new ImageReference { Bucket = "all", Key = file })];
        var request = new DescribeImage { Image = references[0], MoreImages = references.Length > 1 ? references[1..] : null };
        using var turn = new WorkTurn(_journal.OfNobody("test"));
        return await preparer.PrepareAsync(request, _plans, token => _store.FetchAsync(references[0], token), turn, urgent: true, CancellationToken.None);
    }
}
