using Parquet.Serialization;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Tests.Sources;

public sealed class ManifestTests : IDisposable
{
    private static readonly StoreSettings NoStore = new(null, "us-east-1", null, null);
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task JSON_lines_hold_requests_or_just_a_bucket_and_a_key()
    {
        var path = _folder.Write("m.jsonl", """
            {"image":{"bucket":"other","key":"a.jpg","etag":"t"},"context":{"album":"7"}}

            {"key":"b.jpg","versionId":"v"}
            {"key":"s3://third/c.jpg"}
            {"image":{"key":7}}
            {"key":"d.jpg","tasks":["caption"]}
            {"nokey":1}
            """);

        var entries = await ReadAsync(path);

        Assert.Equal(
            [("1", "other/a.jpg", "t"), ("3", "photos/b.jpg", null), ("4", "third/c.jpg", null), ("6", "photos/d.jpg", null)],
            Items(entries).Select(e => (e.Position, $"{e.Item!.Bucket}/{e.Item.Key}", e.Item.Etag)));
        Assert.Equal(["""{"context":{"album":"7"}}""", """{"image":{"versionId":"v"}}""", null, """{"tasks":["caption"]}"""], Items(entries).Select(e => e.Item!.Own));
        Assert.Equal([5L, 7L], entries.Where(e => e.Fault is not null).Select(e => e.Fault!.Place));
        Assert.Contains("image.key is missing", entries[^1].Fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CSV_has_a_line_of_names_and_broken_lines_are_named()
    {
        var path = _folder.Write("m.csv", "size,KEY,etag\n5,\"a,\"\"1\"\".jpg\",t\n7,b.jpg\n9,\"two\nlines.jpg\",\n3,,t\n1,last.jpg,u\n");

        var entries = await ReadAsync(path);

        Assert.Equal([("a,\"1\".jpg", "t", 5L), ("last.jpg", "u", 1L)], Items(entries).Where(e => !e.Item!.Key.Contains('\n', StringComparison.Ordinal)).Select(e => (e.Item!.Key, e.Item.Etag!, e.Bytes)));
        Assert.Equal([(3L, "2 fields in place of 3"), (6L, "image.key is missing")], entries.Where(e => e.Fault is not null).Select(e => (e.Fault!.Place, e.Fault.Message)));
    }

    [Fact]
    public async Task A_manifest_without_keys_names_the_columns_that_it_has()
    {
        var error = await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder.Write("m.csv", "name,size\na,1\n")));

        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.EndsWith("has no column 'key'; it has name, size", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Source, (await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder["none.csv"]))).ExitCode);
        Assert.Equal(ExitCode.Source, (await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder.Write("m.parquet", "no Parquet, just text")))).ExitCode);
    }

    [Fact]
    public async Task Parquet_is_read_a_row_group_at_a_time_from_any_row()
    {
        var path = _folder["m.parquet"];
        await ParquetSerializer.SerializeAsync(
            Enumerable.Range(1, 25).Select(i => new Row { key = $"{i}.jpg", bucket = i == 3 ? "other" : null, size = i }),
            path,
            new Parquet.ParquetOptions { RowGroupSize = 10 });

        var all = await ReadAsync(path);
        var rest = await ReadAsync(path, "17");

        Assert.Equal(Enumerable.Range(1, 25).Select(i => $"{i}.jpg"), all.Select(e => e.Item!.Key));
        Assert.Equal((3L, "other", "photos"), (all[2].Bytes, all[2].Item!.Bucket, all[3].Item!.Bucket));
        Assert.Equal(Enumerable.Range(18, 8).Select(i => $"{i}.jpg"), rest.Select(e => e.Item!.Key));
    }

    [Theory]
    [InlineData("m.jsonl", "{\"key\":\"a\"}\n{\"key\":\"b\"}\n{\"key\":\"c\"}\n")]
    [InlineData("m.csv", "key\na\nb\nc\n")]
    [InlineData("m.txt", "a\nb\nc\n")]
    public async Task Every_form_goes_on_after_a_position(string name, string content)
    {
        var path = _folder.Write(name, content);
        var first = await ReadAsync(path);

        Assert.Equal(["a", "b", "c"], first.Select(e => e.Item!.Key));
        Assert.Equal(["c"], (await ReadAsync(path, first[1].Position)).Select(e => e.Item!.Key));
    }

    [Fact]
    public async Task A_folder_is_walked_in_the_order_of_whole_paths()
    {
        foreach (var name in (string[])["a.jpg", "a/z.jpg", "a-b.jpg", "b/c/d.jpg", "B.jpg"])
            _folder.Write("in/" + name, name);
        using var source = ItemSources.Open(new SourceSettings { Folder = _folder["in"], Bucket = "photos" }, NoStore);

        var all = await source.ReadAsync(null, default).ToListAsync();
        var rest = await source.ReadAsync("a.jpg", default).ToListAsync();

        Assert.Equal(["B.jpg", "a-b.jpg", "a.jpg", "a/z.jpg", "b/c/d.jpg"], all.Select(e => e.Item!.Key));
        Assert.Equal(["a/z.jpg", "b/c/d.jpg"], rest.Select(e => e.Item!.Key));
        Assert.Equal((5L, "photos"), (all[0].Bytes, all[0].Item!.Bucket));
        Assert.Matches("^5-[0-9a-f]+$", all[0].Item!.Etag);
    }

    [Theory]
    [InlineData("a/b.JPG", true)]
    [InlineData("a/b.png", false)]
    public void Patterns_select(string key, bool wanted) =>
        Assert.Equal(wanted, ItemSources.Includes(new SourceSettings { Include = ["*.jpg", "*.jpeg"] }, key));

    private async Task<List<SourceEntry>> ReadAsync(string path, string? position = null)
    {
        using var source = ItemSources.Open(new SourceSettings { Manifest = path, Bucket = "photos" }, NoStore);
        return await source.ReadAsync(position, default).ToListAsync();
    }

    private static IEnumerable<SourceEntry> Items(IEnumerable<SourceEntry> entries) => entries.Where(entry => entry.Item is not null);

    private sealed class Row
    {
        public string? key { get; set; }

        public string? bucket { get; set; }

        public long size { get; set; }
    }
}
