using System.CommandLine;
using System.Diagnostics;
using VlWorker.Batching;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary><c>worker</c>: a worker on a real broker and store against its engine alone, in turn.</summary>
internal static class WorkerCommand
{
    private const int InFlight = 128;

    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 960, Description = "Images a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Rounds of each." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("worker", "Throughput, CPU time and latency of a worker on RabbitMQ and S3, against its engine alone.") { count, rounds, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("The worker against its engine alone", result.GetValue(output));
            await RunAsync(result.GetValue(count), result.GetValue(rounds), report);
        });
        return command;
    }

    private static async Task RunAsync(int count, int rounds, Report report)
    {
        using var services = Services.Start();
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        var keys = await Samples.UploadAsync(bucket);
        var images = Samples.Files.Select(File.ReadAllBytes).ToArray();
        using var engine = new EngineAlone(Path.Combine(Repository.Models, "demo-captioner"), new BatchingOptions().MaxBatch);
        using var worker = await WorkerUnderTest.StartAsync(services, bucket.Name);
        await using var load = await Load.ConnectAsync(services.Broker);
        await WarmUpAsync();

        var (alone, workerRates, workerCpu) = (new List<Throughput>(), new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            var clock = Throughput.Start();
            await engine.RunAsync(images, count, InFlight);
            alone.Add(clock.Stop(count));

            var cpu = worker.Cpu;
            await load.PublishAsync(bucket.Name, keys, count, [Tasks.Caption], Topology.BackfillRoutingKey);
            var stamps = await load.AwaitAsync(count, TimeSpan.FromMinutes(2));
            workerCpu.Add((worker.Cpu - cpu).TotalMilliseconds / count);
            // Between the first and last tenth: neither the filling nor the draining of the pipeline counts.
            var (from, to) = (count / 10, count - (count / 10));
            workerRates.Add((to - from) / Stopwatch.GetElapsedTime(stamps[from], stamps[to - 1]).TotalSeconds);
            report.Line($"round {round + 1}: engine {alone[^1].PerSecond:F1} images/s, {alone[^1].Cpu:F1} ms CPU an image; worker {workerRates[^1]:F1} images/s, {workerCpu[^1]:F1} ms");
        }

        var (less, rate, more) = (Throughput.Median(alone), Statistics.Median(workerRates), Statistics.Median(workerCpu));
        report.Line($"median: engine {less.PerSecond:F1} images/s and {less.Cpu:F1} ms CPU an image; worker {rate:F1} images/s and {more:F1} ms CPU an image; ratio {rate / less.PerSecond:F2}, difference {more - less.Cpu:F1} ms");
        await LatencyAsync();

        async Task WarmUpAsync()
        {
            await engine.RunAsync(images, images.Length, InFlight);
            await load.PublishAsync(bucket.Name, keys, 2 * keys.Count, [Tasks.Caption], Topology.BackfillRoutingKey);
            await load.AwaitAsync(2 * keys.Count, TimeSpan.FromMinutes(2));
        }

        async Task LatencyAsync()
        {
            var (alone, message) = (new List<double>(), new List<double>());
            for (var i = 0; i < images.Length; i++)
            {
                var clock = Stopwatch.StartNew();
                await engine.CaptionAsync(images[i], BatchPriority.Interactive);
                alone.Add(clock.Elapsed.TotalMilliseconds);
                clock.Restart();
                await load.PublishAsync(bucket.Name, [keys[i]], 1, [Tasks.Caption], Topology.InteractiveRoutingKey);
                await load.AwaitAsync(1, TimeSpan.FromSeconds(30));
                message.Add(clock.Elapsed.TotalMilliseconds);
            }

            report.Line($"one image on an idle worker, median of {images.Length}: engine {Statistics.Median(alone):F1} ms, message to result {Statistics.Median(message):F1} ms, difference {Statistics.Median(message) - Statistics.Median(alone):F1} ms");
        }
    }
}
