using System.CommandLine;
using System.Diagnostics;
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

        var (alone, rest, latencies, errors) = (new List<double>(), new List<double>(), new List<double>(), 0);
        for (var round = 0; round < rounds; round++)
        {
            var (own, cpu) = (Own(), worker.Cpu);
            alone.Add(count / await engine.RunAsync(images, count, clients));
            var engineCpu = (Own() - own).TotalMilliseconds / count;
            own = Own();
            var (seconds, failed, times) = await load.RunAsync(count);
            rest.Add(count / seconds);
            errors += failed;
            latencies.AddRange(times);
            report.Line($"round {round + 1}: engine {alone[^1]:F1} images/s, {engineCpu:F1} ms CPU an image; /predict {rest[^1]:F1} images/s, {(worker.Cpu - cpu).TotalMilliseconds / count:F1} ms CPU an image and {(Own() - own).TotalMilliseconds / count:F2} ms of the clients; {failed} errors");
        }

        var ordered = latencies.Order().ToArray();
        report.Line($"median of {rounds} rounds of {count} images, {clients} clients, caption of the demo captioner: engine {Statistics.Median(alone):F1} images/s, /predict {Statistics.Median(rest):F1} images/s, ratio {Statistics.Median(rest) / Statistics.Median(alone):F2}; {errors} errors in {rounds * count} requests");
        report.Line($"a request takes {ordered[ordered.Length / 2]:F0} ms (median), {ordered[ordered.Length * 95 / 100]:F0} ms (95 %), {ordered[ordered.Length * 99 / 100]:F0} ms (99 %); the clients run on the same cores");
    }

    private static TimeSpan Own() => Process.GetCurrentProcess().TotalProcessorTime;
}
