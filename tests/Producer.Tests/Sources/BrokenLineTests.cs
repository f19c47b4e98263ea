using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Tests.Sources;

/// <summary>A line that can't be read costs itself and nothing else.</summary>
public sealed class BrokenLineTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "", 5)]
    [InlineData("\"", "\"", 5)]
    [InlineData("\"two\nlines ", "\"", 6)]
    public async Task A_field_that_is_too_long_costs_its_record(string before, string after, long next)
    {
        var path = _folder.Write("m.csv", $"key,note\na.jpg,\nb.jpg,{before}{new string('x', (64 << 10) + 1)}{after}\nc.jpg,\nd.jpg\ne.jpg,\n");

        var entries = await ReadAsync(path);

        Assert.Equal(["a.jpg", "c.jpg", "e.jpg"], Keys(entries));
        Assert.Equal([(3L, "a field longer than 64 KiB"), (next, "1 fields in place of 2")], Faults(entries));
        Assert.Equal(["e.jpg"], Keys(await ReadAsync(path, entries[^2].Position)));
    }

    [Fact]
    public async Task A_quote_that_is_not_closed_before_megabytes_of_lines_costs_its_line()
    {
        const int Count = 200_000;
        var rest = string.Concat(Enumerable.Range(1, Count).Select(i => $"{i}.jpg,{i}\n"));
        var path = _folder.Write("m.csv", $"key,etag\na.jpg,1\n\"b.jpg,2\n{rest}");

        var entries = await ReadAsync(path);

        Assert.Equal([(3L, "a quote where none belongs")], Faults(entries));
        Assert.Equal(["a.jpg", .. Enumerable.Range(1, Count).Select(i => $"{i}.jpg")], Keys(entries));
    }

    [Theory]
    [InlineData("m.csv", "key,note\na,\nb,", ",\nc,\n", 3, "it is longer than 1 MiB")]
    [InlineData("m.csv", "key,note\na,\nb,\"", "\",\nc,\n", 3, "it is longer than 1 MiB")]
    [InlineData("m.jsonl", "{\"key\":\"a\"}\n{\"key\":\"b", "\"}\n{\"key\":\"c\"}\n", 2, "it is longer than a request may be")]
    [InlineData("m.txt", "a\nb", "\nc\n", 2, "it is longer than a request may be")]
    public async Task A_line_longer_than_memory_costs_itself(string name, string before, string after, long line, string fault)
    {
        // More than a string can hold; a hole takes no room on the disk.
        await using (var file = File.Create(_folder[name]))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(before));
            file.Seek(1_100_000_000, SeekOrigin.Current);
            file.Write(System.Text.Encoding.UTF8.GetBytes(after));
        }

        var entries = await ReadAsync(_folder[name]);

        Assert.Equal(["a", "c"], Keys(entries));
        Assert.Equal([(line, fault)], Faults(entries));
    }

    [Fact]
    public async Task Lines_end_as_they_end_on_any_system_and_a_quoted_field_keeps_its_own()
    {
        var entries = await ReadAsync(_folder.Write("m.csv", "\uFEFFkey,etag\r\n\r\na,1\rb,2\n\"c\r\n\"\"d\"\"\n\",\"\"\r\ne,4"));

        Assert.Equal(["a", "b", "c\r\n\"d\"\n", "e"], Keys(entries));
        Assert.Equal(["1", "2", null, "4"], entries.Select(entry => entry.Item!.Etag));
    }

    [Theory]
    [InlineData("m.csv", "key,etag\né.jpg,1\n")]
    [InlineData("m.txt", "é.jpg\n")]
    public async Task A_list_that_a_shell_of_Windows_wrote_is_read(string name, string content)
    {
        await File.WriteAllTextAsync(_folder[name], content, System.Text.Encoding.Unicode);

        Assert.Equal(["é.jpg"], Keys(await ReadAsync(_folder[name])));
    }

    [Fact]
    public async Task A_first_line_that_names_no_columns_is_wrong_usage()
    {
        var error = await Assert.ThrowsAsync<ProducerException>(() => ReadAsync(_folder.Write("m.csv", "\"key,etag\na,1\n")));

        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.EndsWith("has no line of names: a quote where none belongs in line 1", error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Keys(IEnumerable<SourceEntry> entries) =>
        entries.Where(entry => entry.Item is not null).Select(entry => entry.Item!.Key);

    private static IEnumerable<(long, string)> Faults(IEnumerable<SourceEntry> entries) =>
        entries.Where(entry => entry.Fault is not null).Select(entry => (entry.Fault!.Place, entry.Fault.Message));

    private async Task<List<SourceEntry>> ReadAsync(string path, string? position = null)
    {
        using var source = ItemSources.Open(new SourceSettings { Manifest = path, Bucket = "photos" }, new StoreSettings(null, "us-east-1", null, null));
        return await source.ReadAsync(position, default).ToListAsync();
    }
}
