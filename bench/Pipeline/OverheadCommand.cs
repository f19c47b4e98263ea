using System.CommandLine;
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
        var (alone, whole) = (new List<Throughput>(), new List<Throughput>());
        for (var round = 0; round <= rounds; round++)
        {
            var engineCost = await MeasureAsync(count, () => engine.RunAsync(images, count, InFlight));
            var workerCost = await MeasureAsync(count, () => AskAsync(client, keys, count));
            if (round == 0)
                continue;
            alone.Add(engineCost);
            whole.Add(workerCost);
            report.Line($"round {round}: decoder and engine {Text(engineCost)}; message to result {Text(workerCost)}");
        }

        var (less, more) = (Throughput.Median(alone), Throughput.Median(whole));
        report.Line(string.Create(CultureInfo.InvariantCulture,
            $"median difference: {more.Cpu - less.Cpu:F2} ms CPU and {more.Allocated - less.Allocated:F1} KiB of managed memory an image, the client's share included"));
    }

    private static async Task<Throughput> MeasureAsync(int count, Func<Task> work)
    {
        var clock = Throughput.Start();
        await work();
        return clock.Stop(count);
    }

    private static string Text(Throughput cost) => string.Create(
        CultureInfo.InvariantCulture, $"{cost.Cpu:F2} ms CPU and {cost.Allocated:F1} KiB an image, {cost.PerSecond:F0} images/s");

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
}
