using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

public sealed class WaitTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    public async Task InitializeAsync()
    {
        foreach (var queue in Topology.RequestQueues)
            await producer.Broker.PurgeAsync(queue.Name);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Answers_are_shown_and_the_reply_queue_goes()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var outcome = await producer.RunAsync("publish", "-b", "photos", "-k", "a.jpg", "-k", "b.jpg", "--id-prefix", "p", "--wait");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal(["p-1", "p-2"], Answers(outcome).Select(answer => answer.Id).Order());
        Assert.Equal("a picture of a.jpg", Answers(outcome).Single(answer => answer.Id == "p-1").Image!.Outputs[0].Caption!.Text);
        await Eventually.GetAsync("the reply queue goes", producer.Broker.ListQueuesAsync, queues => queues.All(q => q.Name.StartsWith("vl.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_rejection_has_its_own_exit_code()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var outcome = await producer.RunAsync("publish", "-b", "photos", "-k", "good.jpg", "-k", "bad.jpg", "--wait", "--format", "table");

        Assert.Equal(5, outcome.Code);
        Assert.Contains("a picture of good.jpg", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("not-found: no object of this key", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_are_answered_too()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var outcome = await producer.RunAsync("text", "a red kite", "--wait");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal([0.6f, 0.8f], Assert.Single(Answers(outcome)).Text!.Embedding.Values!);
    }

    [Fact]
    public async Task Many_more_than_the_window_are_answered_once_each_though_answers_come_twice()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker, copies: 2);
        var list = string.Join('\n', Enumerable.Range(1, 2000).Select(i => $"{i}.jpg"));

        var outcome = await producer.RunWithInputAsync(list, "publish", "-b", "photos", "--list", "-", "--id-prefix", "p", "--wait", "--window", "64");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal(Enumerable.Range(1, 2000).Select(i => $"p-{i}").Order(), Answers(outcome).Select(answer => answer.Id).Order());
    }

    [Fact]
    public async Task No_more_than_the_window_is_unanswered_and_silence_ends_the_wait()
    {
        var outcome = await producer.RunWithInputAsync(
            "a\nb\nc\nd\ne\n", "publish", "-b", "photos", "--list", "-", "--wait", "--window", "3", "--patience", "1");

        Assert.Equal(6, outcome.Code);
        Assert.Contains("no answer for 1 s; 3 missing", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("3 published and confirmed", outcome.Error, StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.InteractiveQueue, 3);
    }

    [Fact]
    public async Task An_id_can_wait_for_one_answer_only()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);
        const string Line = "{\"id\":\"same\",\"image\":{\"key\":\"k\"}}\n";

        // The first answer may be there before the second line is read, so the id is kept busy by a worker that is not there.
        await worker.DisposeAsync();
        var outcome = await producer.RunWithInputAsync(Line + Line, "publish", "-b", "photos", "--list", "-", "--wait", "--patience", "1");

        Assert.Contains("request 2 has the id same, which another one waits for", outcome.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, outcome.Code);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_wait()
    {
        using var interrupt = new CancellationTokenSource();
        var running = ProducerFixture.RunAsync(producer.Broker.Uri, Stream.Null, interrupt.Token, "publish", "-b", "photos", "-k", "k", "--wait");
        await producer.Broker.WaitForCountAsync(Topology.InteractiveQueue, 1);

        await interrupt.CancelAsync();

        Assert.Equal(130, (await running).Code);
    }

    private static IEnumerable<Answer> Answers(Outcome outcome) => outcome.Lines.Select(line => Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)));
}
