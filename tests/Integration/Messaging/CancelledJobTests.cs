using RabbitMQ.Client;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>Workers reject what was published of a job before it was cancelled, and serve what comes after.</summary>
public sealed class CancelledJobTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_worker_that_starts_later_knows_too_and_later_requests_are_served()
    {
        await using var broker = await TestBroker.CreateAsync();
        await using (var connection = await broker.ConnectAsync())
            await new TopologyDeclarer(new PublishingOptions()).DeclareAsync(connection, CancellationToken.None);
        await CancelAsync(broker, "autumn", Noon);
        await CancelAsync(broker, "autumn", Noon.AddHours(-1));
        await RequestAsync(broker, "before", "autumn", Noon.AddSeconds(-1));
        await RequestAsync(broker, "same second", "autumn", Noon);
        await RequestAsync(broker, "after", "autumn", Noon.AddSeconds(1));
        await RequestAsync(broker, "no timestamp", "autumn", null);
        await RequestAsync(broker, "other", "winter", Noon.AddSeconds(-1));

        await using var worker = new TestWorker(new BrokerOptions { Uri = broker.Uri.ToString() });
        await worker.StartAsync();

        var answers = (await broker.TakeAsync(Topology.ResultsQueue, 5)).Select(message => Answer.Read(message.Body)).ToDictionary(answer => answer.Id);
        Assert.Equal(
            ["before", "no timestamp", "same second"],
            answers.Values.Where(answer => answer.Rejection?.Reason == RejectionReason.Cancelled).Select(answer => answer.Id).Order(StringComparer.Ordinal));
        Assert.All(["after", "other"], id => Assert.NotNull(answers[id].Image));
    }

    [Fact]
    public async Task A_running_worker_hears_of_it_and_of_nothing_else()
    {
        await using var bench = await RabbitMqBench.StartAsync(listen: false);
        await bench.Broker.PublishAsync(Topology.ControlExchange, "", """{"something":"newer"}""");
        await bench.Broker.PublishAsync(Topology.ControlExchange, "", "no json");
        await CancelAsync(bench.Broker, "autumn", Noon);
        await Eventually.TrueAsync("the worker to know", () => bench.Worker.Log.Lines.Any(line => line.Contains("Job autumn was cancelled", StringComparison.Ordinal)));

        await RequestAsync(bench.Broker, "1", "autumn", Noon.AddSeconds(-1));

        Assert.Equal(RejectionReason.Cancelled, Answer.Read((await bench.Broker.TakeAsync(Topology.ResultsQueue, 1))[0].Body).Rejection?.Reason);
    }

    private static Task CancelAsync(TestBroker broker, string job, DateTimeOffset at) =>
        broker.PublishAsync(Topology.ControlExchange, "", ContractsJson.Write(new CancelJob { JobId = job, CancelledAt = at }));

    private static Task RequestAsync(TestBroker broker, string id, string job, DateTimeOffset? published) => broker.PublishAsync(
        Topology.RequestsExchange,
        Topology.BackfillRoutingKey,
        ContractsJson.Write(new DescribeImage
        {
            Id = id,
            JobId = job,
            Image = new ImageReference { Bucket = "photos", Key = "a.jpg" },
            Tasks = [Tasks.Caption],
        }),
        published is { } time
            ? new BasicProperties { Persistent = true, Timestamp = new AmqpTimestamp(time.ToUnixTimeSeconds()) }
            : new BasicProperties { Persistent = true });
}
