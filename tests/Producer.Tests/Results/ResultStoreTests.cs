using VlWorker.Contracts;
using VlWorker.Producer.Results;
using static VlWorker.Producer.Tests.Results.Arrivals;

namespace VlWorker.Producer.Tests.Results;

public sealed class ResultStoreTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_torn_line_is_removed_and_what_comes_again_is_not_written_twice()
    {
        var path = _folder["r.jsonl"];
        using (var store = new JsonLinesStore(path))
        {
            store.Add(Result("1"));
            store.Add(Result("2"));
            await store.FlushAsync();
        }

        var whole = await File.ReadAllTextAsync(path);
        await File.AppendAllTextAsync(path, "{\"id\":\"3\",\"out");
        using (var again = new JsonLinesStore(path))
        {
            again.Add(Result("2", redelivered: true));
            again.Add(Result("3", redelivered: true));
            await again.FlushAsync();
        }

        var lines = await File.ReadAllLinesAsync(path);
        Assert.StartsWith(whole, await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3"], lines.Select(line => Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id));
    }

    [Fact]
    public async Task A_last_line_without_its_end_is_kept_and_another_file_is_left_as_it_is()
    {
        var (lines, other) = (_folder.Write("r.jsonl", "{\"id\":\"1\"}\n{\"id\":\"2\"}"), _folder.Write("notes.txt", "first\nsecond"));
        using (var store = new JsonLinesStore(lines))
        {
            store.Add(Result("3"));
            await store.FlushAsync();
        }

        Assert.StartsWith("{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"", await File.ReadAllTextAsync(lines), StringComparison.Ordinal);
        Assert.Equal(ExitCode.JobFile, Assert.Throws<ProducerException>(() => new JsonLinesStore(other)).ExitCode);
        Assert.Equal("first\nsecond", await File.ReadAllTextAsync(other));
    }

    [Fact]
    public async Task A_file_of_lines_has_one_writer_at_a_time_and_may_be_read_meanwhile()
    {
        var path = _folder["r.jsonl"];
        using (var first = new JsonLinesStore(path))
        {
            first.Add(Result("1"));
            await first.FlushAsync();

            Assert.Equal(ExitCode.JobFile, Assert.Throws<ProducerException>(() => new JsonLinesStore(path)).ExitCode);
            Assert.Single(await File.ReadAllLinesAsync(path));
        }

        using var second = new JsonLinesStore(path);
    }

    [Fact]
    public async Task A_full_disk_is_named_once()
    {
        // The device takes nothing, as a full disk does.
        File.CreateSymbolicLink(_folder["r.jsonl"], "/dev/full");
        var store = new JsonLinesStore(_folder["r.jsonl"]);
        store.Add(Result("1"));

        var error = await Assert.ThrowsAsync<ProducerException>(store.FlushAsync);
        store.Dispose();

        Assert.Equal(ExitCode.JobFile, error.ExitCode);
        Assert.Contains("still at the broker", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_may_be_named_as_the_result_of_another_is()
    {
        using var store = new FolderStore(_folder["out"]);
        string[] keys = ["a", "a.json/x", "a.json.tmp/x", "a.json"];
        foreach (var key in keys)
            store.Add(Result("1", key: key));

        var files = Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories);
        Assert.Equal(keys.Order(), files.Select(file => Answer.Read(File.ReadAllBytes(file)).Image!.Image.Key).Order());
    }

    [Theory]
    [InlineData("cats/1.jpg", "photos/cats/1.jpg.json")]
    [InlineData("../../etc/passwd", "photos/%2E2E/%2E2E/etc/passwd.json")]
    [InlineData("/a//b", "photos/%/a/%/b.json")]
    [InlineData("a:b*\u0001", "photos/a%3Ab%2A%01.json")]
    [InlineData("旅行/é.png", "photos/旅行/é.png.json")]
    public void A_folder_has_a_file_an_image_below_itself(string key, string expected)
    {
        using var store = new FolderStore(_folder["out"]);

        store.Add(Result("1", key: key));
        store.Add(Result("1", key: key));

        var file = Assert.Single(Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories));
        Assert.Equal(expected, Path.GetRelativePath(_folder["out"], file));
        Assert.Equal(key, Answer.Read(File.ReadAllBytes(file)).Image!.Image.Key);
    }

    [Fact]
    public void Long_names_are_cut_and_stay_different()
    {
        var (one, other) = (FolderStore.Name(new string('x', 1000)), FolderStore.Name(new string('x', 1001)));

        Assert.NotEqual(one, other);
        Assert.InRange(one.Length, 10, 200);
    }
}
