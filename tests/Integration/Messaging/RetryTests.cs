using System.Text.Json.Nodes;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>Attempts are counted in the message itself: across wait queues, workers and redeliveries, up to a dead letter with its whole history.</summary>
public sealed class RetryTests(TestBroker broker) : IClassFixture<TestBroker>, IAsyncLifetime
{
    private BrokerOptions Options => new() { Uri = broker.Uri.ToString() };

    public async Task InitializeAsync()
    {
        // Declares the topology, so that what an earlier test left can be taken away.
        await using var worker = new TestWorker(Options);
        await worker.StartAsync();
        await worker.StopAsync();
        foreach (var queue in Topology.Queues.Where(queue => queue.Name != Topology.ControlQueue))
            await broker.PurgeAsync(queue.Name);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_message_that_fails_at_two_workers_becomes_a_dead_letter_with_its_history()
    {
        var published = DateTimeOffset.UtcNow.AddSeconds(-1);
        await using (var first = new TestWorker(Options))
        {
            first.Store.On("flaky", _ => throw new TransientException("503 from the first"));
            await first.StartAsync();
            await PublishAsync("""{"id":"h1","image":{"bucket":"b","key":"flaky"}}""");
            await broker.WaitForCountAsync(Topology.WaitQueues[0].Name, 1);
        }

        // It comes back while nobody is there, and is taken and given back by somebody who dies: neither is an attempt.
        await broker.WaitForCountAsync(Topology.InteractiveQueue, 1);
        await using (var dying = await broker.ConnectAsync())
        {
            var channel = await dying.CreateChannelAsync();
            Assert.NotNull(await channel.BasicGetAsync(Topology.InteractiveQueue, autoAck: false));
        }

        await broker.WaitForCountAsync(Topology.InteractiveQueue, 1);
        await using var second = new TestWorker(Options);
        second.Store.On("flaky", _ => throw new TransientException("503 from the second"));
        await second.StartAsync();
        var letter = Assert.Single(await broker.TakeAsync(Topology.DeadLettersQueue, 1));

        Assert.Equal((DeadLetterReason.AttemptsExhausted, "2"), (letter.Header(Topology.DeadReasonHeader), letter.Header(Topology.AttemptHeader)));
        var history = JsonNode.Parse(letter.Header(Topology.HistoryHeader)!)!.AsArray();
        Assert.Equal([(1, "503 from the first"), (2, "503 from the second")], history.Select(entry => (entry!["attempt"]!.GetValue<int>(), entry["error"]!.GetValue<string>())));
        var times = history.Select(entry => entry!["at"]!.GetValue<DateTimeOffset>()).ToArray();
        Assert.True(published <= times[0] && times[0].AddSeconds(4) <= times[1] && times[1] <= DateTimeOffset.UtcNow, string.Join(", ", times));
    }

    [Fact]
    public async Task A_model_that_only_a_newer_worker_has_is_waited_for()
    {
        await using (var old = new TestWorker(Options, model: "old"))
        {
            await old.StartAsync();
            await PublishAsync("""{"id":"n1","image":{"bucket":"b","key":"k"},"tasks":["caption"],"models":{"caption":"new"}}""");
            await broker.WaitForCountAsync(Topology.WaitQueues[0].Name, 1);
            Assert.Equal(0, old.Store.Fetches);
        }

        await using var newer = new TestWorker(Options, model: "new");
        await newer.StartAsync();
        var answer = Answer.Read(Assert.Single(await broker.TakeAsync(Topology.ResultsQueue, 1)).Body);

        Assert.Equal(("n1", "new"), (answer.Id, answer.Image!.Outputs[0].Model.Alias));
        Assert.Equal(0u, await broker.CountAsync(Topology.DeadLettersQueue));
    }

    [Fact]
    public async Task An_expired_request_costs_no_fetch_and_no_retry_even_if_its_model_is_unknown()
    {
        await using var worker = new TestWorker(Options);
        await worker.StartAsync();

        await PublishAsync("""{"id":"x1","image":{"bucket":"b","key":"k"},"deadline":"2020-01-01T00:00:00Z"}""");
        await PublishAsync("""{"id":"x2","image":{"bucket":"b","key":"k"},"models":{"caption":"nobody"},"deadline":"2020-01-01T00:00:00Z"}""");
        var answers = (await broker.TakeAsync(Topology.ResultsQueue, 2)).Select(message => Answer.Read(message.Body)).ToArray();

        Assert.All(answers, answer => Assert.Equal(RejectionReason.Expired, answer.Rejection!.Reason));
        Assert.Equal(0, worker.Store.Fetches);
    }

    private Task PublishAsync(string json) => broker.PublishAsync(Topology.RequestsExchange, Topology.InteractiveRoutingKey, json);
}
