using VlWorker.Demo;

namespace VlWorker.Worker.Tests.Demo;

public sealed class OutputFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void Lines_and_page_are_written_and_replaced_by_the_next_run()
    {
        for (var i = 0; i < 2; i++)
        {
            using var output = OutputFolder.Open(_folder.At("out"));
            output.Append("{\"id\":\"1\"}"u8);
            output.WritePage(stream => stream.Write("<meta name=\"generator\" content=\"vl-worker demo\">"u8));
        }

        Assert.Equal("{\"id\":\"1\"}\n", File.ReadAllText(_folder.At("out/results.jsonl")));
        Assert.Equal(["index.html", "results.jsonl"], Directory.GetFiles(_folder.At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("index.html", "<title>My site</title>")]
    [InlineData("results.jsonl", "{\"mine\": true}")]
    public void Files_of_others_are_never_overwritten(string name, string content)
    {
        var path = _folder.Write(name, System.Text.Encoding.UTF8.GetBytes(content));

        var error = Assert.Throws<DemoException>(() => OutputFolder.Open(_folder.Path));

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void A_page_that_can_not_be_written_leaves_nothing_behind()
    {
        using var output = OutputFolder.Open(_folder.At("out"));

        Assert.Throws<IOException>(() => output.WritePage(stream =>
        {
            stream.Write("half a page"u8);
            throw new IOException("no space");
        }));

        Assert.Equal(["results.jsonl"], Directory.GetFiles(_folder.At("out")).Select(Path.GetFileName));
    }

    [Fact]
    public void A_file_in_the_place_of_the_folder_is_an_error()
    {
        var path = _folder.Write("file", "x"u8);

        Assert.Throws<DemoException>(() => OutputFolder.Open(path));
        Assert.Throws<DemoException>(() => OutputFolder.Open(Path.Combine(path, "below")));
    }

    [Fact]
    public void A_folder_in_the_place_of_a_file_is_an_error()
    {
        Directory.CreateDirectory(_folder.At("index.html"));

        Assert.Contains("index.html", Assert.Throws<DemoException>(() => OutputFolder.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
