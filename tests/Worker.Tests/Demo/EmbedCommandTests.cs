using System.Text;
using VlWorker.Contracts;
using VlWorker.Demo;

namespace VlWorker.Worker.Tests.Demo;

public sealed class EmbedCommandTests : IDisposable
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    [Fact]
    public async Task Texts_and_lines_of_the_input_get_a_message_each_in_their_order()
    {
        Assert.Equal(DemoExit.Complete, await RunAsync(["a banana", "-", "a pie"], base64: false, input: "a shark\na horse\n"));

        var texts = Lines().Select(line => Answer.Read(Encoding.UTF8.GetBytes(line)).Text!).ToList();
        Assert.Equal(4, texts.Count);
        Assert.All(texts, text => Assert.Equal("demo-clip", text.Model.Alias));
        Assert.All(texts, text => Assert.Equal(1, text.Embedding.Values!.Sum(value => value * (double)value), 1e-3));
        Assert.Equal(4, texts.Select(text => text.ResultId).Distinct().Count());
    }

    [Fact]
    public async Task Base64_is_the_embedding_alone()
    {
        Assert.Equal(DemoExit.Complete, await RunAsync(["a banana"], base64: true));
        var bytes = Convert.FromBase64String(Assert.Single(Lines()));
        _out.GetStringBuilder().Clear();
        Assert.Equal(DemoExit.Complete, await RunAsync(["a banana"], base64: false));

        var values = Answer.Read(Encoding.UTF8.GetBytes(Assert.Single(Lines()))).Text!.Embedding.Values!;
        Assert.Equal(values, Enumerable.Range(0, bytes.Length / 4).Select(i => BitConverter.ToSingle(bytes, 4 * i)));
    }

    [Fact]
    public async Task A_rejected_text_leaves_its_line_empty_and_the_others_alone()
    {
        Assert.Equal(DemoExit.Incomplete, await RunAsync([new string('x', RequestLimits.TextLength + 1), "a banana"], base64: true));

        var lines = _out.ToString().Split('\n');
        Assert.Equal("", lines[0].Trim());
        Assert.NotEmpty(lines[1]);
        Assert.Contains(RejectionReason.BadRequest, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistyped_option_is_named()
    {
        Assert.Equal(DemoExit.CannotStart, await RunAsync(["a"], base64: false, settings: ["--formt"]));

        Assert.Contains("'--formt'", _error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _out.Dispose();
        _error.Dispose();
    }

    private string[] Lines() => _out.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private async Task<int> RunAsync(string[] texts, bool base64, string input = "", string[]? settings = null)
    {
        using var reader = new StringReader(input);
        return await EmbedCommand.RunAsync(texts, base64, settings ?? [], (reader, _out, _error), default).WaitAsync(TimeSpan.FromMinutes(2));
    }
}
