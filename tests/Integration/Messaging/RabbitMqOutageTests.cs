using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>A broker that goes away under the worker's feet.</summary>
public sealed class RabbitMqOutageTests
{
    private const int Messages = 300;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_message_gets_its_result_when_the_broker_goes_away_in_the_middle(bool kill)
    {
        await using var broker = await PrivateBroker.StartNewAsync();
        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() });
        var back = new TaskCompletionSource();
        worker.Store.Always = token => worker.Model.Rows > 20 ? back.Task.WaitAsync(token) : Task.CompletedTask;
        await worker.StartAsync();
        for (var i = 0; i < Messages; i++)
            await PublishAsync(broker, $"m{i}");
        await Eventually.TrueAsync("some to be done", () => worker.Model.Rows > 20);

        if (kill)
        {
            await broker.KillAsync();
            await broker.StartAsync();
        }
        else
        {
            await broker.RestartAsync();
        }

        back.SetResult();
        var ids = new HashSet<string>();
        await Eventually.GetAsync("a result for every message", async () =>
        {
            foreach (var message in await broker.TakeAllAsync(Topology.ResultsQueue))
                ids.Add(Answer.Read(message.Body).Image!.Id);
            return ids.Count;
        }, count => count == Messages, TimeSpan.FromSeconds(90));
        await broker.WaitForCountAsync(Topology.DeadLettersQueue, 0);
        await Eventually.TrueAsync("the worker to be ready", () => worker.Service.NotReady is null);
        await broker.WaitForCountAsync(Topology.BackfillQueue, 0);
    }

    [Fact]
    public async Task A_worker_that_starts_before_its_broker_waits_for_it()
    {
        await using var broker = await PrivateBroker.StartNewAsync();
        await broker.StopAsync();
        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() });
        await worker.StartAsync();
        Assert.Contains("is not reachable", worker.Service.NotReady, StringComparison.Ordinal);

        await broker.StartAsync();

        await Eventually.TrueAsync("the worker to be ready", () => worker.Service.NotReady is null);
        await PublishAsync(broker, "late");
        Assert.Equal("late", Answer.Read((await broker.TakeAsync(Topology.ResultsQueue, 1))[0].Body).Id);
    }

    private static Task PublishAsync(PrivateBroker broker, string id) => broker.PublishAsync(
        Topology.RequestsExchange,
        Topology.BackfillRoutingKey,
        $$"""{"id":"{{id}}","image":{"bucket":"b","key":"k"},"tasks":["caption"]}""",
        new BasicProperties { Persistent = true });
}
