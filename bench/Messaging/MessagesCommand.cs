using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using RabbitMQ.Client;
using VlWorker.Batching;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Bench.Messaging;

/// <summary>Messages a second and CPU time a message of the worker without store and inference, next to a bare client that does the same.</summary>
internal static class MessagesCommand
{
    private static readonly Option<string> Broker = new("--broker") { Description = "amqp://user:password@host:port/vhost, nothing else on it.", Required = true };
    private static readonly Option<int> Count = new("--count") { Description = "Messages a round.", DefaultValueFactory = _ => 20_000 };
    private static readonly Option<ushort> Prefetch = new("--prefetch") { Description = "Messages in hand.", DefaultValueFactory = _ => 128 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("messages", "The cost of a message: consume, publish one confirmed result, ack.") { Broker, Count, Prefetch, Rounds, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetRequiredValue(Broker), result.GetValue(Count), result.GetValue(Prefetch), result.GetValue(Rounds), result.GetValue(Out)));
        return command;
    }

    private static async Task RunAsync(string broker, int count, ushort prefetch, int rounds, string? file)
    {
        using var report = new Report("Cost of a message", file);
        await using var connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
        await new TopologyDeclarer(new PublishingOptions()).DeclareAsync(connection, CancellationToken.None);
        var (worker, bare) = (new List<Throughput>(), new List<Throughput>());
        for (var round = -1; round < rounds; round++)
        {
            var one = await MeasureAsync(connection, count, () => StartWorkerAsync(broker, prefetch));
            var other = await MeasureAsync(connection, count, () => BareClient.StartAsync(broker, prefetch));

            // The first round warms up.
            if (round < 0)
                continue;
            worker.Add(one);
            bare.Add(other);
        }

        report.Line(string.Create(CultureInfo.InvariantCulture, $"{count} texts of 100 bytes, results of about 800, quorum queues, prefetch {prefetch}, median of {rounds} rounds"));
        Print(report, "worker", worker);
        Print(report, "bare RabbitMQ.Client", bare);
    }

    private static async Task<Throughput> MeasureAsync(IConnection connection, int count, Func<Task<IAsyncDisposable>> start)
    {
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true, new ThrottlingRateLimiter(2048, 100)));
        await channel.QueuePurgeAsync(Topology.ResultsQueue);
        await channel.QueuePurgeAsync(Topology.TextQueue);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 500 }, async (i, token) => await channel.BasicPublishAsync(
            Topology.RequestsExchange,
            Topology.TextRoutingKey,
            mandatory: true,
            new BasicProperties { Persistent = true, ContentType = "application/json", MessageId = $"m{i}" },
            Encoding.UTF8.GetBytes($$"""{"id":"m{{i}}","text":"a text of some length, as a search box would send","embeddingEncoding":"base64"}"""),
            token));
        GC.Collect();
        var clock = Throughput.Start();
        await using (await start())
            await Waiting.UntilAsync(async () => await channel.MessageCountAsync(Topology.ResultsQueue) >= count, TimeSpan.FromMilliseconds(20));

        return clock.Stop(count);
    }

    private static async Task<IAsyncDisposable> StartWorkerAsync(string broker, int prefetch)
    {
        var options = new BrokerOptions { Uri = broker };
        var metrics = new WorkerMetrics(Metrics.NewCustomRegistry());
        var services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole())
            .AddSingleton(TimeProvider.System)
            .AddSingleton(metrics)
            .AddSingleton(options)
            .AddSingleton(new ConsumingOptions { TextPrefetch = prefetch, InteractivePrefetch = 0, BackfillPrefetch = 0 })
            .AddSingleton(new PublishingOptions())
            .AddSingleton<IObjectStore>(new NoStore())
            .AddSingleton(new DecodingOptions())
            .AddSingleton<ImageDecoder>()
            .AddSingleton(new ModelRegistry([new Device("cpu", 1, 32, [new InstantModel()])]))
            .AddSingleton(new BatchingOptions { MaxWaitMs = 1 })
            .AddSingleton<DynamicBatcher>()
            .AddDescribing()
            .AddConsuming(options)
            .BuildServiceProvider();
        var device = new DeviceRunner(
            services.GetRequiredService<DynamicBatcher>(),
            services.GetRequiredService<ModelRegistry>().Devices,
            services.GetRequiredService<BatchingOptions>(),
            TimeProvider.System,
            metrics);
        device.Start();
        await services.GetRequiredService<ConsumingService>().StartAsync(CancellationToken.None);
        return new Running(services, device);
    }

    private static void Print(Report report, string name, List<Throughput> rounds)
    {
        var median = Throughput.Median(rounds);
        report.Line(string.Create(
            CultureInfo.InvariantCulture, $"{name}: {median.PerSecond:0} messages/s, {median.Cpu:0.000} ms CPU and {median.Allocated:0.0} KiB allocated a message"));
    }

    private sealed class NoStore : IObjectStore
    {
        public Task<FetchedObject> FetchAsync(ImageReference image, CancellationToken cancellation) => throw new NotSupportedException();

        public Task ProbeAsync(CancellationToken cancellation) => Task.CompletedTask;
    }

    private sealed class Running(ServiceProvider services, DeviceRunner device) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await services.GetRequiredService<ConsumingService>().StopAsync(CancellationToken.None);
            device.Dispose();
            await services.DisposeAsync();
        }
    }
}
