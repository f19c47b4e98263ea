using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Demo;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Bench.Pipeline;

/// <summary><c>overhead</c>: what a message costs beside decoding and inference, on the in-memory transport, with a captioner too small to matter.</summary>
internal static class OverheadCommand
{
    private const int InFlight = 512;

    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 4000, Description = "Images a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Rounds of each, alternating." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("overhead", "CPU time of a message beside decoding and inference, on the in-memory transport.") { count, rounds, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("What a message costs beside decoding and inference", result.GetValue(output));
            await RunAsync(result.GetValue(count), result.GetValue(rounds), report);
        });
        return command;
    }

    private static async Task RunAsync(int count, int rounds, Report report)
    {
        var folder = Directory.CreateTempSubdirectory("vl-overhead-").FullName;
        try
        {
            string[] keys = [.. Samples.Files.Where(file => file.EndsWith(".jpg", StringComparison.Ordinal)).Select(file => Path.GetFileName(file)!)];
            foreach (var key in keys)
                File.Copy(Path.Combine(Repository.Samples, key), Path.Combine(folder, key));
            var model = FixtureArchive.Extract("vit-gpt2-tiny");
            using var engine = new EngineAlone(model, new BatchingOptions().MaxBatch);
            await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(Settings(model), folder), CancellationToken.None);
            await using var client = await worker.ConnectAsync();
            await MeasureAsync(engine, client, folder, keys, count, rounds, report);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static string[] Settings(string model) =>
    [
        "--Inference:Models:0:Alias=captioner", $"--Inference:Models:0:Folder={model}", "--Inference:Models:0:Optimize=Off",
        $"--Consuming:BackfillPrefetch={InFlight}", $"--Fetching:BytesInFlight={1 << 29}", $"--Decoding:PixelBudgetBytes={1L << 30}",
    ];

    private static async Task MeasureAsync(EngineAlone engine, RequestClient client, string folder, string[] keys, int count, int rounds, Report report)
    {
        var images = keys.Select(key => File.ReadAllBytes(Path.Combine(folder, key))).ToArray();
        var (alone, whole) = (new List<Cost>(), new List<Cost>());
        for (var round = 0; round <= rounds; round++)
        {
            var engineCost = await Cost.OfAsync(count, () => engine.RunAsync(images, count, InFlight));
            var workerCost = await Cost.OfAsync(count, () => AskAsync(client, keys, count));
            if (round == 0)
                continue;
            alone.Add(engineCost);
            whole.Add(workerCost);
            report.Line($"round {round}: decoder and engine {engineCost}; message to result {workerCost}");
        }

        report.Line(string.Create(CultureInfo.InvariantCulture,
            $"median difference: {Median(whole, cost => cost.Cpu) - Median(alone, cost => cost.Cpu):F2} ms CPU and {Median(whole, cost => cost.Allocated) - Median(alone, cost => cost.Allocated):F1} KiB of managed memory an image, the client's share included"));
    }

    private static Task AskAsync(RequestClient client, string[] keys, int count) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, cancellation) =>
        {
            var id = Guid.NewGuid().ToString("N");
            var image = new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = keys[i % keys.Length] };
            var request = new DescribeImage { Id = id, Tasks = [Tasks.Caption], Image = image };
            var reply = await client.AskAsync(id, Topology.BackfillRoutingKey, ContractsJson.Write(request), cancellation);
            if (reply.Answer.Image is null)
                throw new InvalidOperationException($"an image was rejected: {System.Text.Encoding.UTF8.GetString(reply.Body)}");
        });

    private static double Median(List<Cost> costs, Func<Cost, double> part) => costs.Select(part).Order().ElementAt(costs.Count / 2);

    /// <summary>What an image took of the processor (milliseconds, all threads) and of managed memory (KiB), and images a second.</summary>
    private readonly record struct Cost(double Cpu, double Allocated, double Rate)
    {
        public static async Task<Cost> OfAsync(int count, Func<Task> work)
        {
            var (cpu, allocated, clock) = (Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
            await work();
            return new Cost(
                (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / count,
                (GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / count,
                count / Stopwatch.GetElapsedTime(clock).TotalSeconds);
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{Cpu:F2} ms CPU and {Allocated:F1} KiB an image, {Rate:F0} images/s");
    }
}
