using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>The producer is killed at random moments of a backfill and taken up again: nothing is lost, and no more than a window comes twice.</summary>
public sealed class BackfillKillTests(ProducerFixture producer) : IClassFixture<ProducerFixture>
{
    private const int Window = 200;

    [Fact]
    public Task Killed_three_times_in_two_thousand_images() => RunAsync(images: 2_000, kills: 3, rate: 1_500, seed: 1);

    [Fact]
    [Trait("Category", "Full")]
    public Task Killed_twelve_times_in_twenty_thousand_images() => RunAsync(images: 20_000, kills: 12, rate: 3_000, seed: 2);

    private async Task RunAsync(int images, int kills, int rate, int seed)
    {
        var folder = Repository.NewFolder("kill");
        var (manifest, file) = (Path.Combine(folder, "m.txt"), Path.Combine(folder, "j.vljob"));
        await File.WriteAllLinesAsync(manifest, Enumerable.Range(1, images).Select(i => $"{i}.jpg"));
        var random = new Random(seed);
        var published = new List<string>();
        string[] pace = ["--rate", rate.ToString(CultureInfo.InvariantCulture), "--window", Window.ToString(CultureInfo.InvariantCulture), "--no-wait", "--max-queue", "1000000"];
        string[] begin = ["backfill", "--job", "kill", "--bucket", "photos", "--manifest", manifest, "--file", file, .. pace];
        string[] resume = ["backfill", "--resume", "--file", file, .. pace];

        for (var kill = 0; kill < kills; kill++)
        {
            using var process = Start(File.Exists(file) ? resume : begin);
            var moment = random.Next(1, images / (kills + 1));
            await Eventually.TrueAsync("some more are published", async () => await producer.Broker.CountAsync(Topology.BackfillQueue) >= moment);
            process.Kill();
            await process.WaitForExitAsync();
            published.AddRange(await TakeAllAsync());
        }

        var last = await producer.RunAsync(resume);
        published.AddRange(await TakeAllAsync());

        Assert.True(last.Code == 0, last.Error);
        Assert.Equal(Enumerable.Range(1, images).Select(i => $"kill-{i}").Order(StringComparer.Ordinal), published.Distinct().Order(StringComparer.Ordinal));
        Assert.InRange(published.Count - images, 0, kills * Window);
        await AnswerAsync(published);
        var answered = await producer.RunAsync("backfill", "--resume", "--file", file);
        Assert.True(answered.Code == 0, answered.Error);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{images:N0} described, 0 rejected"), answered.Error, StringComparison.Ordinal);
        Assert.Contains("0 published and confirmed", answered.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private Process Start(string[] args)
    {
        var program = Repository.At("src", "Producer", "bin", Repository.Configuration, "net10.0", "vl-producer.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. args]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["VLWORKER_BROKER_URI"] = producer.Broker.Uri.ToString();
        return Process.Start(start)!;
    }

    /// <summary>Takes what is in the queue now: the producer is dead, so nothing follows.</summary>
    private async Task<List<string>> TakeAllAsync()
    {
        var count = await producer.Broker.CountAsync(Topology.BackfillQueue);
        var ids = new List<string>();
        await using var connection = await producer.Broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            lock (ids)
                ids.Add(delivery.BasicProperties.MessageId!);
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(Topology.BackfillQueue, autoAck: true, consumer);
        await Eventually.TrueAsync("everything is taken", async () => await producer.Broker.CountAsync(Topology.BackfillQueue) == 0 && Count(ids) >= count);
        return ids;
    }

    private static int Count(List<string> ids)
    {
        lock (ids)
            return ids.Count;
    }

    /// <summary>Answers every request, those that came twice too.</summary>
    private async Task AnswerAsync(IEnumerable<string> ids)
    {
        await using var connection = await producer.Broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true, new ThrottlingRateLimiter(500)));
        var key = Topology.DescribedRoutingKey(Topology.BackfillRoutingKey, "kill");
        await Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = 200 }, async (id, token) =>
            await channel.BasicPublishAsync(Topology.ResultsExchange, key, ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg", "kill")), token));
    }
}
