using System.Diagnostics;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>What becomes of a message when something fails, whatever the transport: its fault, a passing fault, or ours.</summary>
public abstract class FailureContract : MessagingTest
{
    [Fact]
    public async Task A_bad_message_leaves_its_batch_mates_unharmed()
    {
        Bench.Worker.Store.On("gone", _ => throw new RejectedException(RejectionReason.NotFound, "no such key"));
        for (var i = 0; i < 20; i++)
            await Bench.PublishCaptionAsync($"m{i}", i % 5 == 0 ? "gone" : "a.png");

        var answers = (await Bench.Results.NextAsync(20)).Select(mail => mail.Answer).ToArray();

        Assert.Equal(4, answers.Count(answer => answer.Rejection is not null));
        Assert.Equal(20, answers.Select(answer => answer.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_passing_failure_waits_and_succeeds_the_next_time()
    {
        var attempts = 0;
        Bench.Worker.Store.On("flaky", _ => Interlocked.Increment(ref attempts) == 1 ? throw new TransientException("503") : Task.CompletedTask);
        var started = Stopwatch.GetTimestamp();

        await Bench.PublishCaptionAsync("f1", "flaky", Topology.BackfillRoutingKey);
        var mail = await Bench.Results.NextAsync();

        Assert.Equal(("f1", "described.backfill.-", 2), (mail.Answer.Id, mail.RoutingKey, attempts));
        // Not at once, and not in the second queue, where it would wait a minute.
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 4.5, 55);
    }

    [Fact]
    public async Task What_fails_every_time_becomes_a_dead_letter_as_it_was_sent()
    {
        Bench.Worker.Store.On("broken", _ => throw new TransientException("503 again"));
        Bench.Worker.Store.On("defect", _ => throw new InvalidOperationException("a bug"));
        await Bench.PublishAsync("""{"id":"d1",  "image":{"bucket":"b","key":"broken"}}""", new MessageProperties { CorrelationId = "c", ReplyTo = "r" });
        await Bench.PublishCaptionAsync("d2", "defect");

        var mails = (await Bench.DeadLetters.NextAsync(2)).OrderBy(mail => mail.Json.GetProperty("id").GetString()).ToArray();

        Assert.Equal("""{"id":"d1",  "image":{"bucket":"b","key":"broken"}}""", Encoding.UTF8.GetString(mails[0].Body));
        Assert.Equal(("c", "r"), (mails[0].Properties.CorrelationId, mails[0].Properties.ReplyTo));
        Assert.Equal(2, mails[0].Properties.Number(Topology.AttemptHeader));
        Assert.Equal((DeadLetterReason.AttemptsExhausted, "503 again"), (mails[0].Properties.Text(Topology.DeadReasonHeader), mails[0].Properties.Text(Topology.DeadErrorHeader)));
        Assert.Equal(DeadLetterReason.UnexpectedError, mails[1].Properties.Text(Topology.DeadReasonHeader));
        Assert.Equal(0, Bench.Results.Count);
    }

    [Fact]
    public async Task All_tasks_of_a_message_are_answered_or_none()
    {
        Bench.Worker.Model.Fail = (Tasks.Embedding, 1);

        await Bench.PublishAsync("""{"id":"both","image":{"bucket":"b","key":"a.png"}}""");
        var answer = (await Bench.Results.NextAsync()).Answer;

        Assert.Equal(["caption", "embedding"], answer.Image!.Outputs.Select(output => output.Task));
        Assert.Equal(0, Bench.Results.Count);
        Assert.Equal(4, Bench.Worker.Model.Rows);
    }

    [Fact]
    public async Task An_unknown_model_is_rejected_after_another_worker_had_its_chance()
    {
        await Bench.PublishAsync("""{"id":"u1","image":{"bucket":"b","key":"k"},"tasks":["caption"],"models":{"caption":"nobody"}}""");

        var rejection = (await Bench.Results.NextAsync()).Answer.Rejection!;

        Assert.Equal(RejectionReason.UnknownModel, rejection.Reason);
        Assert.Contains("there are echo", rejection.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_store_is_gone_nothing_is_lost_rejected_or_counted()
    {
        var gone = true;
        Bench.Worker.Store.Always = _ => Volatile.Read(ref gone) ? throw new DependencyException(Dependency.Store, "connection refused") : Task.CompletedTask;
        for (var i = 0; i < 50; i++)
            await Bench.PublishCaptionAsync($"s{i}");
        await Eventually.TrueAsync("the gate to close", () => !Bench.Worker.Gate.State.IsOpen);
        Assert.Equal("store: connection refused", Bench.Worker.Service.NotReady);
        var (fetches, probes) = (Bench.Worker.Store.Fetches, Bench.Worker.Store.Probes);
        await Eventually.TrueAsync("many probes", () => Bench.Worker.Store.Probes > probes + 10);
        Assert.InRange(Bench.Worker.Store.Fetches, fetches, fetches + 50);
        Volatile.Write(ref gone, false);

        var mails = await Bench.Results.NextAsync(50);

        Assert.Equal(50, mails.Select(mail => mail.Answer.Image!.Id).Distinct().Count());
        Assert.Equal(0, Bench.DeadLetters.Count);
        await Eventually.TrueAsync("the worker to be ready", () => Bench.Worker.Service.NotReady is null);
        Assert.Single(Bench.Worker.Log.Lines, line => line.Contains("No messages are taken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_does_not_fit_into_the_devices_memory_runs_in_smaller_batches_and_nothing_is_lost()
    {
        using var published = new ManualResetEventSlim();
        (Bench.Worker.Model.Fits, Bench.Worker.Model.Always) = (3, () => published.Wait(Eventually.DefaultTimeout));
        for (var i = 0; i < 100; i++)
            await Bench.PublishCaptionAsync($"o{i}");
        await Eventually.TrueAsync("a full batch to wait", () => Bench.Worker.Waiting >= 16);
        published.Set();

        var answers = (await Bench.Results.NextAsync(100)).Select(mail => mail.Answer.Image!).ToArray();

        Assert.Equal(100, answers.Select(answer => answer.Id).Distinct().Count());
        Assert.All(answers, answer => Assert.InRange(answer.Timings.BatchSize, 1, 3));
        // 16, 8 and 4 at most: what was learned holds for the batches after it.
        Assert.InRange(Bench.Worker.Model.Refused, 1, 7);
        Assert.Equal(0, Bench.DeadLetters.Count);
    }

    [Fact]
    public async Task A_row_that_does_not_fit_alone_becomes_a_dead_letter_that_says_so()
    {
        Bench.Worker.Model.Fits = 0;
        await Bench.PublishCaptionAsync("huge");

        var mail = await Bench.DeadLetters.NextAsync();

        Assert.Equal(DeadLetterReason.AttemptsExhausted, mail.Properties.Text(Topology.DeadReasonHeader));
        Assert.Contains("does not fit into the memory of cpu", mail.Properties.Text(Topology.DeadErrorHeader), StringComparison.Ordinal);
        Assert.Equal(2, Bench.Worker.Model.Refused);
    }

    [Fact]
    public async Task Stopping_finishes_what_is_in_hand()
    {
        var release = new TaskCompletionSource();
        Bench.Worker.Store.Always = release.Task.WaitAsync;
        for (var i = 0; i < 10; i++)
            await Bench.PublishCaptionAsync($"z{i}");
        await Eventually.TrueAsync("the pipeline to fill", () => Bench.Worker.Store.InFlight == 10);

        var stopping = Bench.Worker.StopAsync();
        Assert.False(stopping.IsCompleted);
        release.SetResult();
        await stopping.WaitAsync(Eventually.DefaultTimeout);

        Assert.Equal(10, Bench.Worker.Model.Rows);
    }
}

public sealed class InMemoryFailureTests : FailureContract
{
    private protected override async Task<MessagingBench> StartAsync() => await InMemoryBench.StartAsync();
}

public sealed class RabbitMqFailureTests : FailureContract
{
    private protected override async Task<MessagingBench> StartAsync() => await RabbitMqBench.StartAsync();
}
