using System.Text;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Tests.Printing;

public sealed class AnswerWriterTests
{
    private static readonly string Hash = new('a', 64);

    [Fact]
    public void JSON_lines_are_one_line_each_with_every_field_that_came()
    {
        using var terminal = new TestTerminal();
        var writer = AnswerWriters.Create(null, terminal.Terminal);

        writer.Write(Encoding.UTF8.GetBytes("{ \"id\": \"1\",\n \"new\": [1,\t2],\n \"text\": \"été\\n旅\" }\n"));
        writer.Write("{\"id\":\"2\"}"u8.ToArray());

        Assert.Equal("{\"id\":\"1\",\"new\":[1,2],\"text\":\"été\\n旅\"}\n{\"id\":\"2\"}\n", terminal.Output);
    }

    [Theory]
    [InlineData("table")]
    [InlineData("jsonl")]
    public void What_is_not_JSON_is_refused_and_leaves_no_trace(string form)
    {
        using var terminal = new TestTerminal();
        var writer = AnswerWriters.Create(form, terminal.Terminal);

        Assert.ThrowsAny<JsonException>(() => writer.Write("{\"id\":"u8.ToArray()));
        Assert.ThrowsAny<JsonException>(() => writer.Write("[{\"outputs\":"u8.ToArray()));
        Assert.Equal("", terminal.Output);
    }

    [Fact]
    public void The_table_has_one_header_and_a_row_an_answer()
    {
        var lines = Table(100, Caption("cats/旅行.jpg", "two cats on a sofa"), Rejection(), Text());

        Assert.Equal(4, lines.Length);
        Assert.Matches("^ +image +result +ms$", lines[0]);
        Assert.Matches("^✓ cats/旅行\\.jpg +two cats on a sofa · embedding of 128 +20\\.0$", lines[1]);
        Assert.Matches("^✗ dogs/1\\.jpg +not-found: no object of this key$", lines[2]);
        Assert.Matches("^✓ query-1 +embedding of 128, 9 tokens, cut$", lines[3]);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public void Rows_fit_the_terminal(int width)
    {
        var lines = Table(width, Caption(new string('k', 300), "a very long caption that says the same again and again and again and again and again"));

        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
    }

    [Fact]
    public void Text_from_strangers_can_not_steer_the_terminal()
    {
        var lines = Table(200, Caption("\u001b[31mred\u202e\r\nnext", "[bold]\u0007x[/]"));

        Assert.Equal(2, lines.Length);
        Assert.Contains(" [31mred   next", lines[1], StringComparison.Ordinal);
        Assert.Contains("[bold] x[/]", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_of_another_kind_is_shown_as_it_is()
    {
        using var terminal = new TestTerminal();

        AnswerWriters.Create("table", terminal.Terminal).Write("{\"image\":{\"key\":\"k\"}}"u8.ToArray());

        Assert.Contains("{\"image\":{\"key\":\"k\"}}", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Colours_are_for_terminals_that_want_them()
    {
        using var interactive = new TestTerminal(interactive: true);
        using var without = new TestTerminal(interactive: true);
        without.Set("NO_COLOR", "1");
        var body = ContractsJson.Write(Rejection());
        AnswerWriters.Create(null, interactive.Terminal).Write(body);
        AnswerWriters.Create(null, without.Terminal).Write(body);

        Assert.Contains("\u001b[", interactive.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[", without.Output, StringComparison.Ordinal);
    }

    private static string[] Table(int width, params object[] messages)
    {
        using var terminal = new TestTerminal(width: width);
        var writer = AnswerWriters.Create("table", terminal.Terminal);
        foreach (var message in messages)
            writer.Write(message switch
            {
                ImageDescribed image => ContractsJson.Write(image),
                TextDescribed text => ContractsJson.Write(text),
                _ => ContractsJson.Write((ImageRejected)message),
            });
        return [.. terminal.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd())];
    }

    private static ImageDescribed Caption(string key, string text) => new()
    {
        Id = "1",
        Image = new DescribedImage { Bucket = "b", Key = key, Sha256 = Hash, Bytes = 1, Width = 1, Height = 1, Format = "png" },
        Outputs =
        [
            Output(Tasks.Caption) with { Caption = new Caption { Text = text, Tokens = 5 } },
            Output(Tasks.Embedding) with { Embedding = new Embedding { Dimensions = 128, Base64 = "" } },
        ],
        Timings = new Timings { Queued = 5000, Fetch = 4, Decode = 3, BatchWait = 2, Inference = 11, BatchSize = 1 },
        ProducedAt = default,
    };

    private static ImageRejected Rejection() => new()
    {
        Id = "1",
        Image = new ImageReference { Bucket = "b", Key = "dogs/1.jpg" },
        Reason = RejectionReason.NotFound,
        Detail = "no object of this key",
        RejectedAt = default,
    };

    private static TextDescribed Text() => new()
    {
        Id = "query-1",
        Model = new ModelReference { Alias = "clip", Revision = Hash },
        ResultId = Hash,
        Tokens = 9,
        Truncated = true,
        Embedding = new Embedding { Dimensions = 128, Base64 = "" },
        ProducedAt = default,
    };

    private static Output Output(string task) => new()
    {
        Task = task,
        Model = new ModelReference { Alias = "m", Revision = Hash },
        ResultId = Hash,
        ContentId = Hash,
    };
}
