using System.CommandLine;
using System.Diagnostics;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Serving;

/// <summary><c>startup</c>: from the start of the process until the worker is ready, with the demo models.</summary>
internal static class StartupCommand
{
    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 7, Description = "Starts." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("startup", "Time from the start of a worker with the demo models, on a real broker and store, until /health/ready.") { rounds, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("Start-up to ready with the demo models", result.GetValue(output));
            await RunAsync(result.GetValue(rounds), report);
        });
        return command;
    }

    private static async Task RunAsync(int rounds, Report report)
    {
        using var services = Services.Start();
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        var cache = Directory.CreateTempSubdirectory("vl-bench-cache-").FullName;
        try
        {
            var first = await StartAsync();
            var seconds = new List<double>();
            for (var round = 0; round < rounds; round++)
                seconds.Add(await StartAsync());
            report.Line($"on RabbitMQ and S3, process start to /health/ready: median of {rounds} {Statistics.Median(seconds):F2} s, from {seconds.Min():F2} to {seconds.Max():F2} s");
            report.Line($"the very first start, which rebuilds the models for the processor and compares them: {first:F2} s");
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }

        async Task<double> StartAsync()
        {
            var clock = Stopwatch.StartNew();
            using var worker = await WorkerUnderTest.StartAsync(services, bucket.Name, $"--Inference:ModelCache={cache}");
            return clock.Elapsed.TotalSeconds;
        }
    }
}
