using VlWorker.Inference;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class RowWatchTests
{
    private static readonly HubTokenizer Tokenizer = HubTokenizer.Load(FixtureArchive.Extract("vit-gpt2-tiny"));

    [Fact]
    public void Half_a_character_waits_for_its_other_half()
    {
        var ids = Tokenizer.Encode("I like 🦆 soup");
        var shown = Shown(ids, []);
        Assert.DoesNotContain(shown, text => text.Contains('\uFFFD', StringComparison.Ordinal));
        Assert.Equal("I like 🦆 soup", shown[^1]);
        Assert.Contains("I like ", shown.Select(text => text.TrimEnd() + " "));
        Assert.True(shown.Distinct().Count() < ids.Length, "nothing was held back");
    }

    [Fact]
    public void What_may_begin_a_stop_string_waits_and_the_stop_string_never_comes()
    {
        var shown = Shown(Tokenizer.Encode("red and green. The end of it"), [". The end"]);
        Assert.All(shown, text => Assert.StartsWith(text, "red and green", StringComparison.Ordinal));
        Assert.Equal("red and green", shown[^1]);
        Assert.Equal("red and green. The dog", Shown(Tokenizer.Encode("red and green. The dog"), [". The end"])[^1]);
    }

    [Fact]
    public async Task A_reader_gets_every_part_once_however_late_it_comes()
    {
        var stream = new TextStream(CancellationToken.None);
        stream.Write("one");
        stream.Write("one two");
        stream.Write("two"); // of a batch that was run again
        var parts = new List<string>();
        await foreach (var part in stream.ReadAsync(CancellationToken.None))
        {
            parts.Add(part);
            if (parts.Count == 1)
                stream.Write("one two three");
            else
                stream.End();
        }

        Assert.Equal(["one two", " three"], parts);
    }

    [Fact]
    public void A_row_that_nobody_waits_for_is_abandoned()
    {
        using var gone = new CancellationTokenSource();
        var watch = RowWatch.Of(new TextStream(gone.Token), Tokenizer, null)!;
        Assert.False(watch.IsAbandoned);
        gone.Cancel();
        Assert.True(watch.IsAbandoned);
        Assert.Null(RowWatch.Of(null, Tokenizer, null));
    }

    private static List<string> Shown(int[] ids, string[] stop)
    {
        var stream = new TextStream(CancellationToken.None);
        var watch = RowWatch.Of(stream, Tokenizer, new StopStrings(stop, Tokenizer))!;
        var shown = new List<string>();
        for (var i = 1; i <= ids.Length; i++)
        {
            watch.Show(ids.AsSpan(0, i));
            shown.Add(stream.Text);
        }

        return shown;
    }
}
