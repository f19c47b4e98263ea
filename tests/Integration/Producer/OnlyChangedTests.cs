using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>A manifest whose lines ask for this and that is published again where something changed, and nowhere else.</summary>
public sealed class OnlyChangedTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IDisposable
{
    /// <summary>Lines of a kind; there are four kinds, which ask for three combinations of tasks and models.</summary>
    private const int Each = 20;

    private readonly string _folder = Repository.NewFolder("changed");
    private readonly string _job = $"job-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Nothing_but_a_request_for_each_model_while_nothing_changed_and_then_only_what_did()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        var lines = Enumerable.Range(0, Each).SelectMany(Lines).ToList();
        await PublishesAsync(worker, lines, 4 * Each, "--bucket", "photos", "--manifest", Manifest(lines));

        // One image each for the job's own tasks, for the task of some lines, and for the model of others.
        await PublishesAsync(worker, lines, 3);
        await PublishesAsync(worker, lines, 3);

        // The answer to the line that changed tells what answers now.
        lines[4 * 7 + 1] = lines[4 * 7 + 1].Replace("how many?", "how many cats?", StringComparison.Ordinal);
        var changed = await PublishesAsync(worker, lines, 3);
        Assert.Equal(["7.jpg"], changed.Where(request => request.Prompt == "how many cats?").Select(request => request.Image!.Key!));
        await PublishesAsync(worker, lines, 3);

        // Another order, and a line more.
        lines.Reverse();
        lines.Insert(3, """{"key":"7.jpg","etag":"7","prompt":"a drawing of"}""");
        var more = await PublishesAsync(worker, lines, 3);
        Assert.Single(more, request => request.Prompt == "a drawing of");
    }

    [Fact]
    public async Task Another_model_concerns_the_lines_that_ask_for_it_and_another_prompt_those_that_have_none()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        var lines = Enumerable.Range(0, Each).SelectMany(Lines).ToList();
        await PublishesAsync(worker, lines, 4 * Each, "--bucket", "photos", "--manifest", Manifest(lines));

        worker.Revisions["named"] = new string('b', 64);
        var newer = await PublishesAsync(worker, lines, Each + 2);
        Assert.Equal(Each, newer.Count(request => request.Models?.Values.Contains("named") is true));

        // Two of four kinds have a prompt of their own; the others' answers tell what answers now, but for one model.
        var prompted = await PublishesAsync(worker, lines, (2 * Each) + 1, "--prompt", "a photo of");
        Assert.Equal(2 * Each, prompted.Count(request => request.Prompt == "a photo of"));
        await PublishesAsync(worker, lines, 3);
    }

    [Fact]
    public async Task Answers_that_wait_are_taken_before_another_question_is_asked_and_settle_none_of_it()
    {
        await producer.Broker.PurgeAsync(Topology.ResultsQueue);
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        var file = Path.Combine(_folder, "j.vljob");
        List<string> lines = [.. Enumerable.Range(0, Each).Select(i => Lines(i).First())];
        var outcome = await producer.RunAsync(
            "backfill", "--job", _job, "--file", file, "--bucket", "photos", "--manifest", Manifest(lines), "--prompt", "one", "--no-wait");
        Assert.True(outcome.Code == 0, outcome.Error);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, Each);

        var asked = await PublishesAsync(worker, lines, Each, "--prompt", "two");
        Assert.All(asked, request => Assert.True(request.Prompt == "two" && request.Id!.EndsWith(".1", StringComparison.Ordinal)));

        // What nothing changed about is not asked again, though nobody took its answers.
        Assert.Equal(0, (await producer.RunAsync("backfill", "--only-changed", "--file", file, "--prompt", "three", "--no-wait")).Code);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 3 * Each);
        await PublishesAsync(worker, lines, 1);
    }

    private static IEnumerable<string> Lines(int i) => ((string[])[
        """{"key":"N.jpg","etag":"N"}""",
        """{"key":"N.jpg","etag":"N","tasks":["answer"],"prompt":"how many?"}""",
        """{"key":"N.jpg","etag":"N","tasks":["caption"],"models":{"caption":"named"}}""",
        """{"key":"N.jpg","etag":"\"N\"","prompt":"a painting of"}""",
    ]).Select(line => line.Replace("N", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    /// <summary>Runs the job and returns what it published.</summary>
    private async Task<List<DescribeImage>> PublishesAsync(FakeWorker worker, IEnumerable<string> lines, int count, params string[] args)
    {
        var before = worker.Requests.Count;
        Manifest(lines);
        string[] which = args.Contains("--manifest") ? [] : ["--only-changed"];
        var outcome = await producer.RunAsync(["backfill", "--job", _job, "--file", Path.Combine(_folder, "j.vljob"), .. which, .. args]);

        Assert.True(outcome.Code == 0, outcome.Error);
        var published = worker.Requests.Skip(before).ToList();
        Assert.True(published.Count == count, $"{published.Count} in place of {count}: {outcome.Error}");
        Assert.Contains(" 0 without an answer", outcome.Error, StringComparison.Ordinal);
        return published;
    }

    private string Manifest(IEnumerable<string> lines)
    {
        var path = Path.Combine(_folder, "m.jsonl");
        File.WriteAllLines(path, lines);
        return path;
    }
}
