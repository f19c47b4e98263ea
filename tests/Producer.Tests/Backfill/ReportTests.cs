using VlWorker.Contracts;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Backfill;

public sealed class ReportTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public ReportTests()
    {
        using var job = JobFile.Create(
            _folder["j.vljob"], new JobSettings { Job = "<autumn>", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() }, TimeProvider.System);
        job.Add([.. Enumerable.Range(1, 60).Select(i => new ListedItem("photos", $"<{i}>.jpg", null, null))], null, isEnd: true);
        job.Settle(
            [
                .. Enumerable.Range(1, 55).Select(i => new Settlement(i, OutcomeKind.Described, $"caption=c@{new string('a', 64)}", null, null, new byte[64], i)),
                new Settlement(56, OutcomeKind.Rejected, "corrupt", "the image is <cut> short", null, null, 0),
                new Settlement(57, OutcomeKind.Dead, "attempts-exhausted", "it failed", null, null, 0),
            ],
            5.7);
        job.AddFault(7, "image.key is missing", 1000);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_counts_by_reason_names_the_slowest_and_what_was_left_out()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(0, await terminal.RunAsync("backfill", "report", _folder["j.vljob"], "--html", _folder["r.html"], "--not-described", _folder["n.jsonl"]));

        Assert.Matches("unanswered +3\n", terminal.Output);
        Assert.Matches("throughput +10.0 images/s\n", terminal.Output);
        Assert.Contains("          55  described: caption=c@aaaaaaaaaaaa\n", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("           1  rejected: corrupt\n", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("  <56>.jpg: the image is <cut> short\n", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("slowest\n        55.0 ms  <55>.jpg\n", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("line 7: image.key is missing", terminal.Output, StringComparison.Ordinal);
        var html = await File.ReadAllTextAsync(_folder["r.html"]);
        Assert.Contains("<h1>Backfill &lt;autumn&gt;</h1>", html, StringComparison.Ordinal);
        Assert.Contains("<td>&lt;56&gt;.jpg</td><td>the image is &lt;cut&gt; short</td>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<56>", html, StringComparison.Ordinal);
        Assert.Equal(
            ["""{"bucket":"photos","key":"<56>.jpg","outcome":"rejected","reason":"corrupt"}""", """{"bucket":"photos","key":"<57>.jpg","outcome":"dead-letter","reason":"attempts-exhausted"}"""],
            await File.ReadAllLinesAsync(_folder["n.jsonl"]));
    }
}
