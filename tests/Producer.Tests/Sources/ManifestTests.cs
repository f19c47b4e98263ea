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

    [Theory]
    [InlineData("key,etag\na.jpg,1\n\"b.jpg,2\nc.jpg,3\nd.jpg,4\n")]
    [InlineData("key,etag\na.jpg,1\n\"b.jpg,2\nc.jpg,3\nd.jpg,4")]
    [InlineData("key\r\na.jpg\r\n\"b.jpg\r\nc.jpg\r\nd.jpg\r\n")]
    [InlineData("key,etag\n\"a.jpg\",\"1\"\n\"b.jpg,\"2\"\n\"c.jpg\",\"3\"\n\"d.jpg\",\"4\"\n")]
    public async Task A_quote_that_is_not_closed_swallows_no_other_line(string content)
    {
        var entries = await ReadAsync(_folder.Write("m.csv", content));

        Assert.Equal(["a.jpg", "c.jpg", "d.jpg"], Items(entries).Select(e => e.Item!.Key));
        Assert.Equal((3L, "a quote where none belongs"), entries.Where(e => e.Fault is not null).Select(e => (e.Fault!.Place, e.Fault.Message)).Single());
        Assert.Equal(["d.jpg"], (await ReadAsync(_folder["m.csv"], entries[^2].Position)).Select(e => e.Item!.Key));
    }

    [Theory]
    [InlineData("m.txt", "a\nf\xe9lin.jpg\nc\n", 2)]
    [InlineData("m.csv", "key\na\nf\xe9lin.jpg\nc\n", 3)]
    [InlineData("m.jsonl", "{\"key\":\"a\"}\n{\"key\":\"f\xe9lin.jpg\"}\n{\"key\":\"c\"}\n", 2)]
    [InlineData("m.jsonl", "{\"key\":\"a\"}\n{\"key\":\"\\ud800\"}\n{\"key\":\"c\"}\n", 2)]
    public async Task What_is_no_Unicode_is_named_and_not_taken_for_another_key(string name, string content, long line)
    {
        await File.WriteAllBytesAsync(_folder[name], System.Text.Encoding.Latin1.GetBytes(content));

        var entries = await ReadAsync(_folder[name]);

        Assert.Equal(["a", "c"], Items(entries).Select(e => e.Item!.Key));
        Assert.Equal(line, entries.Single(e => e.Fault is not null).Fault!.Place);
    }

    [Theory]
    [InlineData("m.txt", "f\uFFFDlin.jpg\n")]
    [InlineData("m.csv", "key\nf\uFFFDlin.jpg\n")]
    [InlineData("m.jsonl", "{\"key\":\"f\uFFFDlin.jpg\"}\n")]
    [InlineData("m.jsonl", "{\"key\":\"f\\ufffdlin.jpg\"}\n")]
    public async Task A_key_may_hold_the_replacement_character(string name, string content) =>
        Assert.Equal("f\uFFFDlin.jpg", Assert.Single(await ReadAsync(_folder.Write(name, content))).Item!.Key);

    [Fact]
    public async Task A_manifest_without_keys_names_the_columns_that_it_has()
    {
        var error = await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder.Write("m.csv", "name,size\na,1\n")));

        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.EndsWith("has no column 'key'; it has name, size", error.Message, StringComparison.Ordinal);
        foreach (var missing in (string[])["none.csv", "none.parquet", "none.jsonl", "none.txt"])
            Assert.Equal(ExitCode.Source, (await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder[missing]))).ExitCode);
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

    [Fact]
    public async Task Parquet_rows_whose_text_is_no_Unicode_are_named_and_a_replacement_character_is_a_character()
    {
        var (texts, bytes) = (_folder["m.parquet"], _folder["b.parquet"]);
        await ParquetSerializer.SerializeAsync(new[] { new Row { key = "a" }, new Row { key = "f\uFFFDlin.jpg" }, new Row { key = "?\u0001.jpg" } }, texts);
        await ParquetSerializer.SerializeAsync(new[] { new Raw { key = [0x61] }, new Raw { key = [0x66, 0xE9] }, new Raw { key = [0xEF, 0xBF, 0xBD] } }, bytes);

        // No writer of texts writes bytes that are none.
        var content = await File.ReadAllBytesAsync(texts);
        for (int at; (at = content.AsSpan().IndexOf("?\u0001.jpg"u8)) >= 0;)
            content[at] = 0xE9;
        await File.WriteAllBytesAsync(texts, content);
        var (ofTexts, ofBytes) = (await ReadAsync(texts), await ReadAsync(bytes));

        Assert.Equal(["a", "f\uFFFDlin.jpg"], Items(ofTexts).Select(e => e.Item!.Key));
        Assert.Equal((3L, "it is not UTF-8"), (ofTexts[2].Fault!.Place, ofTexts[2].Fault!.Message));
        Assert.Equal(["a", "\uFFFD"], Items(ofBytes).Select(e => e.Item!.Key));
        Assert.Equal((2L, "it is not UTF-8"), (ofBytes[1].Fault!.Place, ofBytes[1].Fault!.Message));
    }

    [Fact]
    public async Task Parquet_with_a_map_takes_no_key_from_it_and_a_broken_page_is_named()
    {
        var path = _folder["m.parquet"];
        await ParquetSerializer.SerializeAsync(
            Enumerable.Range(1, 300).Select(i => new Tagged { tags = new() { ["album"] = "7" }, key = $"{i}.jpg" }), path, new Parquet.ParquetOptions { RowGroupSize = 100 });
        Assert.Equal(Enumerable.Range(1, 300).Select(i => $"{i}.jpg"), (await ReadAsync(path)).Select(e => e.Item!.Key));

        var bytes = await File.ReadAllBytesAsync(path);
        bytes.AsSpan(4, bytes.Length / 2).Fill(0xAB);
        await File.WriteAllBytesAsync(path, bytes);
        var error = await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(path));

        Assert.Equal(ExitCode.Source, error.ExitCode);
        Assert.Contains("can't be read in row group 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_no_store_is_not_taken_for_an_empty_bucket()
    {
        using var server = new FixedServer(200, "<html><body>Sign in</body></html>");
        using var source = ItemSources.Open(new SourceSettings { Bucket = "photos" }, new StoreSettings(server.Address, "us-east-1", "a", "b"));

        var error = await Assert.ThrowsAsync<ProducerException>(() => source.ReadAsync(null, default).ToListAsync().AsTask());

        Assert.Equal(ExitCode.Source, error.ExitCode);
        Assert.Contains("is no object store", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_whose_name_is_no_Unicode_is_listed_as_what_workers_will_not_find()
    {
        _folder.Write("in/a.jpg", "a");
        await ShellAsync("echo x > \"$0/$(printf 'b\\377').jpg\"");
        using var source = ItemSources.Open(new SourceSettings { Folder = _folder["in"], Bucket = "photos" }, NoStore);

        var entries = await source.ReadAsync(null, default).ToListAsync();

        // .NET itself can't remove it.
        await ShellAsync("rm -r \"$0\"");
        Assert.Equal(["a.jpg", "b\uFFFD.jpg"], entries.Select(e => e.Item!.Key));
        Assert.Null(entries[1].Item!.Etag);
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

    private async Task ShellAsync(string script)
    {
        using var shell = System.Diagnostics.Process.Start("sh", ["-c", script, _folder["in"]]);
        await shell.WaitForExitAsync();
    }

    private async Task<List<SourceEntry>> ReadAsync(string path, string? position = null)
    {
        using var source = ItemSources.Open(new SourceSettings { Manifest = path, Bucket = "photos" }, NoStore);
        return await source.ReadAsync(position, default).ToListAsync();
    }

    private static IEnumerable<SourceEntry> Items(IEnumerable<SourceEntry> entries) => entries.Where(entry => entry.Item is not null);

    private sealed class Tagged
    {
        public Dictionary<string, string>? tags { get; set; }

        public string? key { get; set; }
    }

    private sealed class Raw
    {
        public byte[]? key { get; set; }
    }

    private sealed class Row
    {
        public string? key { get; set; }

        public string? bucket { get; set; }

        public long size { get; set; }
    }
}
