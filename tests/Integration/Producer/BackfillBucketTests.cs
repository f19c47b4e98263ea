using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>Backfills of a real bucket.</summary>
public sealed class BackfillBucketTests(ProducerFixture producer, TestStore store) : IClassFixture<ProducerFixture>, IClassFixture<TestStore>, IDisposable
{
    private readonly string _folder = Repository.NewFolder("backfill");
    private readonly string _prefix = $"{Guid.NewGuid():N}/";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_prefix_is_listed_and_published_and_later_only_what_changed()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        for (var i = 0; i < 12; i++)
            await store.PutAsync(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{i:D2}.jpg"), new byte[] { 1, (byte)i });
        await store.PutAsync($"{_prefix}folder/", ReadOnlyMemory<byte>.Empty);
        await store.PutAsync($"{_prefix}note.txt", new byte[] { 1 });

        var first = await RunAsync("--bucket", store.Bucket, "--prefix", _prefix, "--include", "*.jpg");
        Assert.True(first.Code == 0, first.Error);
        Assert.Equal(12, worker.Backfilled);

        // One image is asked for again, to learn which model answers now.
        var same = await RunAsync("--only-changed");
        Assert.True(same.Code == 0, same.Error);
        Assert.Equal(13, worker.Backfilled);

        await store.PutAsync($"{_prefix}05.jpg", new byte[] { 9 });
        await store.PutAsync($"{_prefix}12.jpg", new byte[] { 9 });
        var changed = await RunAsync("--only-changed");
        Assert.Contains("2 published and confirmed", changed.Error, StringComparison.Ordinal);
        Assert.Contains("of 13 13 described", changed.Error, StringComparison.Ordinal);
        Assert.Equal(15, worker.Backfilled);

        worker.Revision = new string('b', 64);
        var newer = await RunAsync("--only-changed");
        Assert.Contains("of 13 13 described", newer.Error, StringComparison.Ordinal);
        Assert.Equal(15 + 13, worker.Backfilled);
    }

    [Fact]
    public async Task A_dry_run_counts_and_estimates_and_publishes_nothing()
    {
        for (var i = 0; i < 3; i++)
            await store.PutAsync(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{i}.jpg"), new byte[1000]);

        var outcome = await RunAsync("--bucket", store.Bucket, "--prefix", _prefix, "--dry-run", "--throughput", "0.01", "--price-per-hour", "12");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Matches("images +3\n", outcome.Output);
        Assert.Matches("bytes +3,000 ", outcome.Output);
        Assert.Matches("time +0.1 h\n", outcome.Output);
        Assert.Matches("cost +1.00\n", outcome.Output);
        Assert.False(File.Exists(Path.Combine(_folder, "j.vljob")));
    }

    [Fact]
    public async Task A_wrong_bucket_and_a_denied_one_are_named()
    {
        var missing = await RunAsync("--bucket", "no-such-bucket-anywhere");
        Assert.Equal(7, missing.Code);
        Assert.Contains("there is no bucket 'no-such-bucket-anywhere'", missing.Error, StringComparison.Ordinal);

        File.Delete(Path.Combine(_folder, "j.vljob"));
        var denied = await RunAsync(store.Other, "--bucket", store.Bucket);
        Assert.Equal(7, denied.Code);
        Assert.Contains($"no permission to list the bucket '{store.Bucket}'", denied.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_image_of_a_dead_letter_can_be_fetched()
    {
        await store.PutAsync($"{_prefix}dead.jpg", new byte[] { 1, 2, 3 });
        var body = ContractsJson.Write(new DescribeImage { Id = "d1", Image = new ImageReference { Bucket = store.Bucket, Key = $"{_prefix}dead.jpg" } });
        await producer.Broker.PublishAsync(Topology.DeadExchange, "", body);
        var file = Path.Combine(_folder, "dead.jpg");

        var shown = await CommandAsync(store.Owner, "dead-letters", "show", "d1", "--save-image", file);
        var missing = await CommandAsync(store.Other, "dead-letters", "show", "d1", "--save-image", file + "2");

        Assert.True(shown.Code == 0, shown.Error);
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(file));
        Assert.Equal(7, missing.Code);
        Assert.Contains("403", missing.Error, StringComparison.Ordinal);
    }

    private Task<Outcome> RunAsync(params string[] args) => RunAsync(store.Owner, args);

    private Task<Outcome> RunAsync(StoreUser user, params string[] args) =>
        CommandAsync(user, ["backfill", "--job", _prefix.TrimEnd('/'), "--file", Path.Combine(_folder, "j.vljob"), .. args]);

    private Task<Outcome> CommandAsync(StoreUser user, params string[] args) =>
        ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, user, default, args);
}
