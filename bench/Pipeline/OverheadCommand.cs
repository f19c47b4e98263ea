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
        var (alone, whole) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var (engineCpu, engineRate) = await CpuAsync(count, () => engine.RunAsync(images, count, InFlight));
            var (workerCpu, workerRate) = await CpuAsync(count, () => AskAsync(client, keys, count));
            if (round == 0)
                continue;
            alone.Add(engineCpu);
            whole.Add(workerCpu);
            report.Line(string.Create(CultureInfo.InvariantCulture,
                $"round {round}: decoder and engine {engineCpu:F2} ms CPU an image, {engineRate:F0} images/s; message to result {workerCpu:F2} ms, {workerRate:F0} images/s"));
        }

        report.Line(string.Create(CultureInfo.InvariantCulture,
            $"median: decoder and engine {Median(alone):F2} ms CPU an image, message to result {Median(whole):F2} ms, difference {Median(whole) - Median(alone):F2} ms"));
    }

    private static async Task<(double Cpu, double Rate)> CpuAsync(int count, Func<Task> work)
    {
        using var process = Process.GetCurrentProcess();
        var (cpu, clock) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
        await work();
        process.Refresh();
        return ((process.TotalProcessorTime - cpu).TotalMilliseconds / count, count / Stopwatch.GetElapsedTime(clock).TotalSeconds);
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

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
