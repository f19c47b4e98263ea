using VlWorker.Contracts;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Backfill;

/// <summary>A job is cancelled in its file whatever the broker does; here nobody listens at its address.</summary>
public sealed class CancelTests : IDisposable
{
    private const string NoBroker = "amqp://guest:guest@127.0.0.1:1/";
    private readonly TestFolder _folder = new();

    private string Path => _folder["j.vljob"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_job_of_which_nothing_was_published_is_cancelled_without_a_broker()
    {
        using (var job = Create())
            job.Add([Item("a"), Item("b")], "b", isEnd: false);

        var (code, error) = await CancelAsync();

        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("cancelled: 2 were not published; nothing is queued", error, StringComparison.Ordinal);
        AssertCancelled(unanswered: 0);
    }

    [Fact]
    public async Task Without_a_broker_the_file_says_cancelled_and_the_command_what_is_left_to_do()
    {
        using (var job = Create())
        {
            job.Add([Item("a"), Item("b"), Item("c")], "c", isEnd: true);
            job.Cancellation.MarkPublishing();
            job.Advance(0, 1);
        }

        var (code, error) = await CancelAsync();
        var (again, _) = await CancelAsync();

        Assert.Equal((ExitCode.Broker, ExitCode.Broker), (code, again));
        Assert.Contains("cancelled: 2 were not published\n", error, StringComparison.Ordinal);
        Assert.Contains("workers could not be told and go on with what is queued of 1 in flight: can't connect to", error, StringComparison.Ordinal);
        Assert.Contains($"'backfill cancel {Path}' tells them", error, StringComparison.Ordinal);
        AssertCancelled(unanswered: 1);
    }

    [Theory]
    [InlineData("--uri", "nonsense")]
    [InlineData("--uri", "amqps://127.0.0.1:1/", "--ca-file", "/nowhere/ca.pem")]
    public async Task A_wrong_address_of_the_broker_is_told_after_the_file_says_cancelled(params string[] broker)
    {
        using (var job = Create())
        {
            job.Add([Item("a"), Item("b")], "b", isEnd: true);
            job.Cancellation.MarkPublishing();
            job.Advance(0, 1);
        }

        using var terminal = new TestTerminal();
        var code = await terminal.RunAsync(["backfill", "cancel", Path, .. broker]);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("workers could not be told", terminal.Error, StringComparison.Ordinal);
        AssertCancelled(unanswered: 1);
    }

    [Fact]
    public async Task What_a_killed_producer_may_have_published_is_not_taken_for_unpublished()
    {
        // It died before the first confirm was recorded.
        using (var job = Create())
        {
            job.Add([Item("a")], "a", isEnd: true);
            job.Cancellation.MarkPublishing();
        }

        Assert.Equal(ExitCode.Broker, (await CancelAsync()).Code);
        Assert.Equal(ExitCode.Broker, (await CancelAsync()).Code);
        AssertCancelled(unanswered: 0);
    }

    [Fact]
    public async Task A_job_that_is_answered_to_the_end_needs_no_broker()
    {
        using (var job = Create())
        {
            job.Add([Item("a")], "a", isEnd: true);
            job.Cancellation.MarkPublishing();
            job.Advance(0, 1);
            job.Settle([new Settlement(1, OutcomeKind.Described, "caption=captioner@1", null, null, null, 0)], 0);
        }

        Assert.Equal(ExitCode.Success, (await CancelAsync()).Code);
        AssertCancelled(unanswered: 0);
    }

    [Fact]
    public async Task What_another_producer_runs_is_left_to_it()
    {
        using (var job = Create())
            job.Add([Item("a"), Item("b")], "b", isEnd: true);
        using (JobLease.TryTake(Path))
        {
            using var terminal = new TestTerminal();
            var cancelling = terminal.RunAsync("backfill", "cancel", Path, "--uri", NoBroker);
            while (!cancelling.IsCompleted)
            {
                terminal.Time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            Assert.Equal(ExitCode.Broker, await cancelling);
            Assert.Contains("cancelled: the producer that runs the job publishes no more", terminal.Error, StringComparison.Ordinal);
        }

        AssertCancelled(unanswered: 2);
    }

    private void AssertCancelled(long unanswered)
    {
        using var job = JobFile.Open(Path);
        Assert.Equal((JobControl.Cancelled, unanswered), (job.Control, job.Unanswered));
    }

    private async Task<(int Code, string Error)> CancelAsync()
    {
        using var terminal = new TestTerminal();
        return (await terminal.RunAsync("backfill", "cancel", Path, "--uri", NoBroker), terminal.Error);
    }

    private JobFile Create() => JobFile.Create(
        Path, new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() }, TimeProvider.System);

    private static ListedItem Item(string key) => new("photos", key, null, null);
}
