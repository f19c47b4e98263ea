using System.CommandLine;
using VlWorker.Batching;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Serving;

/// <summary><c>rest</c>: POST /predict with many clients against the engine alone, in turn.</summary>
internal static class RestCommand
{
    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 960, Description = "Images a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Rounds of each." };
        var clients = new Option<int>("--clients") { DefaultValueFactory = _ => 64, Description = "Clients with a request under way each." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("rest", "Throughput, latency and errors of POST /predict, against the engine alone.") { count, rounds, clients, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("POST /predict against the engine alone", result.GetValue(output));
            await RunAsync(result.GetValue(count), result.GetValue(rounds), result.GetValue(clients), report);
        });
        return command;
    }

    private static async Task RunAsync(int count, int rounds, int clients, Report report)
    {
        var images = Samples.Files.Select(File.ReadAllBytes).ToArray();
        using var engine = new EngineAlone(DemoCaptioner.Folder(), new BatchingOptions().MaxBatch);
        using var worker = await WorkerUnderTest.StartAloneAsync();
        using var load = new RestLoad(worker, images, clients);
        await engine.RunAsync(images, 2 * images.Length, clients);
        await load.RunAsync(2 * images.Length);

        var (alone, rest, latencies, errors) = (new List<Throughput>(), new List<Throughput>(), new List<double>(), 0);
        for (var round = 0; round < rounds; round++)
        {
            var clock = Throughput.Start();
            await engine.RunAsync(images, count, clients);
            alone.Add(clock.Stop(count));
            var cpu = worker.Cpu;
            clock = Throughput.Start();
            var (_, failed, times) = await load.RunAsync(count);
            rest.Add(clock.Stop(count));
            errors += failed;
            latencies.AddRange(times);
            report.Line($"round {round + 1}: engine {alone[^1].PerSecond:F1} images/s, {alone[^1].Cpu:F1} ms CPU an image; /predict {rest[^1].PerSecond:F1} images/s, {(worker.Cpu - cpu).TotalMilliseconds / count:F1} ms CPU an image and {rest[^1].Cpu:F2} ms of the clients; {failed} errors");
        }

        var (engineRate, restRate) = (Throughput.Median(alone).PerSecond, Throughput.Median(rest).PerSecond);
        report.Line($"median of {rounds} rounds of {count} images, {clients} clients, caption of the demo captioner: engine {engineRate:F1} images/s, /predict {restRate:F1} images/s, ratio {restRate / engineRate:F2}; {errors} errors in {rounds * count} requests");
        report.Line($"a request takes {Statistics.Median(latencies):F0} ms (median), {Statistics.Percentile(latencies, 0.95):F0} ms (95 %), {Statistics.Percentile(latencies, 0.99):F0} ms (99 %); the clients run on the same cores");
    }
}
