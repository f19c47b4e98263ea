using VlWorker.Contracts;
using VlWorker.Producer.Backfill;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Tests.Jobs;

/// <summary>What <c>--only-changed</c> publishes again.</summary>
public sealed class LaterPassTests : PassedJob
{
    [Fact]
    public void A_later_pass_publishes_what_is_new_changed_or_has_no_result()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b"), Item("c")], "c", isEnd: true);
        job.Settle([Described(1), Described(2), new Settlement(3, OutcomeKind.Rejected, "corrupt", null, null, null, 0)], 0);

        job.Pass.Begin(job.Settings);
        var changed = job.Pass.Compare([Item("a"), Item("b") with { Etag = "other" }, Item("c"), Item("d")], "d", isEnd: true);

        Assert.Equal(2, changed);
        Assert.Equal(["b", "c", "d"], job.Items.Next(0, 10).Select(item => item.Key));
        Assert.True(job.IsComparing && job.IsListed);
    }

    [Fact]
    public async Task A_later_pass_over_the_first_few_finds_what_changed_among_them()
    {
        var manifest = Folder.Write("m.csv", "key,etag\na,1\nb,1\nc,1\n");
        var source = new SourceSettings { Bucket = "photos", Manifest = manifest, Limit = 2 };
        using var job = JobFile.Create(Folder["few.vljob"], new JobSettings { Job = "few", Source = source, Template = new DescribeImage() }, TimeProvider.System);
        await ScanAsync(job);
        job.Settle([Described(1), Described(2)], 0);

        Folder.Write("m.csv", "key,etag\na,1\nb,2\nc,1\n");
        job.Pass.Begin(job.Settings);
        await ScanAsync(job);

        Assert.Equal(["b"], job.Items.Next(0, 10).Select(item => item.Key));
    }

    [Fact]
    public void Several_questions_about_an_object_stay_apart_in_a_later_pass()
    {
        using var job = Create();
        job.Add([Item("a", "{\"prompt\":\"one\"}"), Item("a", "{\"prompt\":\"two\"}")], "2", isEnd: true);
        job.Settle([Described(1), Described(2)], 0);

        job.Pass.Begin(job.Settings);
        Assert.Equal(0, job.Pass.Compare([Item("a", "{\"prompt\":\"one\"}"), Item("a", "{\"prompt\":\"two\"}")], "2", isEnd: true));
    }

    [Fact]
    public void Another_model_makes_results_outdated_and_the_same_one_does_not()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b")], "b", isEnd: true);
        job.Settle([Described(1), Described(2)], 0);
        job.Pass.Begin(job.Settings);
        job.Pass.Compare([Item("a"), Item("b")], "b", isEnd: true);
        Assert.Empty(job.Items.Next(0, 10));

        Assert.False(job.Pass.End([]));
        Assert.True(job.IsComparing);
        Assert.Equal(["a"], job.Items.Next(0, 10).Select(item => item.Key));
        job.Settle([Described(1)], 0);
        Assert.True(job.Pass.End(Now(job, Models)));
        Assert.Equal((0, false), (job.Unanswered, job.IsComparing));

        job.Pass.Begin(job.Settings);
        job.Pass.Compare([Item("a"), Item("b")], "b", isEnd: true);
        Assert.False(job.Pass.End(Now(job, "caption=captioner@3 embedding=clip@2")));
        Assert.Equal(["a", "b"], job.Items.Next(job.Watermark, 10).Select(item => item.Key));
    }

    [Fact]
    public void Where_the_image_that_is_asked_again_gets_no_result_the_others_keep_theirs()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b"), Item("c")], "c", isEnd: true);
        job.Settle([Described(1), Described(2), Described(3)], 0);
        job.Pass.Begin(job.Settings);
        job.Pass.Compare([Item("a"), Item("b"), Item("c")], "c", isEnd: true);
        var now = new Dictionary<AskedModels, int?>();

        Assert.False(job.Pass.End(now));
        job.Settle([new Settlement(1, OutcomeKind.Rejected, "unknown-model", null, null, null, 0)], 0);

        Assert.True(job.Pass.End(now));
        Assert.Equal((0, false), (job.Unanswered, job.IsComparing));
        Assert.Equal(2, job.Outcomes.All().Single(outcome => outcome.Kind == OutcomeKind.Described).Count);
    }

    [Fact]
    public void Another_prompt_publishes_everything()
    {
        using var job = Create();
        job.Add([Item("a")], "a", isEnd: true);
        job.Settle([Described(1)], 0);

        job.Pass.Begin(job.Settings with { Template = new DescribeImage { Prompt = "a photo of" } });
        job.Pass.Compare([Item("a")], "a", isEnd: true);

        Assert.Equal(["a"], job.Items.Next(0, 10).Select(item => item.Key));
    }

    [Fact]
    public void What_was_wrong_with_lines_is_forgotten_by_the_next_pass()
    {
        using var job = Create();
        job.AddFault(2, "not valid JSON", 10);

        job.Pass.Begin(job.Settings);

        Assert.Empty(JobReport.Read(job).Faults);
    }

    [Fact]
    public async Task Another_source_needs_no_name_of_the_job_and_may_not_give_another()
    {
        using (var job = Create())
            job.Add([], "x", isEnd: true);
        async Task<(int, string)> RunAsync(params string[] args)
        {
            using var terminal = new TestTerminal();
            string[] source = ["--folder", Folder["."], "--bucket", "b", "--uri", "amqp://127.0.0.1:1/"];
            var code = await terminal.RunAsync(["backfill", "--only-changed", "--file", Folder["j.vljob"], .. source, .. args]);
            return (code, terminal.Error);
        }

        var (refused, why) = await RunAsync("--job", "winter");
        Assert.Equal(ExitCode.Usage, refused);
        Assert.Contains("the file holds the job 'autumn', not 'winter'", why, StringComparison.Ordinal);

        // It comes as far as the broker.
        Assert.Equal(ExitCode.Broker, (await RunAsync()).Item1);
        using var again = JobFile.Open(Folder["j.vljob"]);
        Assert.Equal(("autumn", "b", 1), (again.Settings.Job, again.Settings.Source.Bucket, again.Settings.Pass));
    }

    private static async Task ScanAsync(JobFile job)
    {
        using var terminal = new TestTerminal();
        using var source = ItemSources.Open(job.Settings.Source, new StoreSettings(null, "us-east-1", null, null));
        await new Scanner(job, source, new BackfillCounters(job), TimeSpan.Zero, terminal.Terminal).RunAsync(default);
    }

    private static Dictionary<AskedModels, int?> Now(JobFile job, string models) => new() { [default] = job.Outcomes.Code(OutcomeKind.Described, models) };
}
