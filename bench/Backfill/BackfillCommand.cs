using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Bench.Pipeline;
using VlWorker.Contracts;
using VlWorker.Producer.Jobs;
using VlWorker.Publishing;

namespace VlWorker.Bench.Backfill;

/// <summary>What a backfill costs its producer: requests a second, memory, bytes of job file an item, time until a resumed job publishes.</summary>
internal static class BackfillCommand
{
    private static readonly Option<int> Count = new("--count") { Description = "Images of the backfill.", DefaultValueFactory = _ => 100_000 };
    private static readonly Option<int> Resumed = new("--resumed")
    {
        Description = "Items of the job file that is resumed.",
        DefaultValueFactory = _ => 1_000_000,
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("backfill", "Rate, memory, job file and resume of vl-producer backfill.") { Count, Resumed, Out };
        command.SetAction((result, _) => RunAsync(result.GetValue(Count), result.GetValue(Resumed), result.GetValue(Out)));
        return command;
    }

    private static async Task RunAsync(int count, int resumed, string? file)
    {
        using var report = new Report("Backfill: what it costs the producer", file);
        using var services = Services.Start();
        var folder = Directory.CreateTempSubdirectory("vl-bench-").FullName;
        await using var connection = await new ConnectionFactory { Uri = new Uri(services.Broker) }.CreateConnectionAsync();
        await new TopologyDeclarer(new PublishingOptions()).DeclareAsync(connection, CancellationToken.None);
        await using var channel = await connection.CreateChannelAsync();
        await PurgeAsync(channel);
        report.Line("`dotnet run -c Release --project bench -- backfill`: the producer is a process of its own, the broker is on the same machine.");

        await PublishAsync(report, services.Broker, folder, count);
        await AnswersAsync(report, services.Broker, connection, folder, count);
        await PurgeAsync(channel);
        await ResumeAsync(report, services.Broker, channel, folder, resumed);
        await PurgeAsync(channel);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task PublishAsync(Report report, string broker, string folder, int count)
    {
        var manifest = Path.Combine(folder, "keys.txt");
        await File.WriteAllLinesAsync(manifest, Enumerable.Range(0, count).Select(Key));
        string[] job = ["--job", "bench", "--bucket", "photos", "--manifest", manifest, "--file", Path.Combine(folder, "bench.vljob")];
        var producer = ProducerProcess.Start(broker, ["backfill", .. job, "--no-wait", "--max-queue", "100000000"]);
        var text = await producer.FinishAsync();
        Line(report, $"published and confirmed: **{ProducerProcess.Rate(text):N0} a second** ({count:N0} references, listed and recorded meanwhile)");
        Line(report, $"resident memory: **{producer.PeakMegabytes:0} MB** at most; peak of the second half of the run by the first half's: {producer.Growth:0.00}");
    }

    private static async Task AnswersAsync(Report report, string broker, IConnection connection, string folder, int count)
    {
        var options = new CreateChannelOptions(true, true, new ThrottlingRateLimiter(2048, 100), consumerDispatchConcurrency: 512);
        await using var worker = await connection.CreateChannelAsync(options);
        await worker.BasicQosAsync(0, 512, false);
        var consumer = new AsyncEventingBasicConsumer(worker);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            var request = ContractsJson.Read<DescribeImage>(delivery.Body.Span);
            var key = Topology.DescribedRoutingKey(Topology.BackfillRoutingKey, request.JobId);
            var properties = new BasicProperties { Persistent = true };
            await worker.BasicPublishAsync(Topology.ResultsExchange, key, false, properties, ContractsJson.Write(Answers.To(request)));
            await worker.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await worker.BasicConsumeAsync(Topology.BackfillQueue, autoAck: false, consumer);
        var file = Path.Combine(folder, "bench.vljob");
        var started = Stopwatch.GetTimestamp();
        var producer = ProducerProcess.Start(broker, "backfill", "--resume", "--file", file);
        await producer.FinishAsync();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Line(report, $"answers recorded: {count / seconds:N0} a second with whoever sends them on the same machine; {producer.PeakMegabytes:0} MB at most");
        Line(report, $"job file: **{BytesBesideKey(file, count):0.0} bytes an item** beside its key of {Key(0).Length}, with entity tag and two result ids");
        using (var job = JobFile.Open(file))
            job.Pass.Begin(job.Settings);
        Line(report, $"the same with the index of keys that `--only-changed` makes: **{BytesBesideKey(file, count):0.0} bytes an item**");
    }

    private static async Task ResumeAsync(Report report, string broker, IChannel channel, string folder, int count)
    {
        var file = Path.Combine(folder, "resumed.vljob");
        var source = new SourceSettings { Bucket = "photos", Manifest = Path.Combine(folder, "keys.txt") };
        var settings = new JobSettings { Job = "resumed", Source = source, Template = new DescribeImage() };
        using (var job = JobFile.Create(file, settings, TimeProvider.System))
        {
            foreach (var part in Enumerable.Range(0, count).Chunk(5000))
                job.Add([.. part.Select(i => new ListedItem("photos", Key(i), null, null))], null, isEnd: part[^1] == count - 1);
        }

        var started = Stopwatch.GetTimestamp();
        var producer = ProducerProcess.Start(broker, "backfill", "--resume", "--file", file, "--no-wait", "--max-queue", "100000000");
        await producer.UntilAsync(async () => await channel.MessageCountAsync(Topology.BackfillQueue) > 0);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await producer.KillAsync();
        var megabytes = new FileInfo(file).Length / 1e6;
        Line(report, $"resume of {count:N0} items ({megabytes:0} MB): the first request is at the broker **{seconds:0.0} s** after the process starts");
    }

    private static async Task PurgeAsync(IChannel channel)
    {
        await channel.QueuePurgeAsync(Topology.BackfillQueue);
        await channel.QueuePurgeAsync(Topology.ResultsQueue);
    }

    private static double BytesBesideKey(string file, int count) => (new FileInfo(file).Length / (double)count) - Key(0).Length;

    private static string Key(int i) => string.Create(CultureInfo.InvariantCulture, $"archive/2026/{i:D9}.jpg");

    private static void Line(Report report, FormattableString text) => report.Line("- " + text.ToString(CultureInfo.InvariantCulture));
}
