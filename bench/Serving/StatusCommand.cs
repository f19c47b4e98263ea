using System.CommandLine;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Serving;

/// <summary><c>status</c>: what the status page, somebody who watches it, and /metrics cost.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Scrape = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 960, Description = "Images a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Rounds of each." };
        var idle = new Option<int>("--idle") { DefaultValueFactory = _ => 20, Description = "Seconds without work, for the processor time." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("status", "Cost of the status page and of /metrics: processor time and throughput.") { count, rounds, idle, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("What the status page and /metrics cost", result.GetValue(output));
            await RunAsync(result.GetValue(count), result.GetValue(rounds), TimeSpan.FromSeconds(result.GetValue(idle)), report);
        });
        return command;
    }

    private static async Task RunAsync(int count, int rounds, TimeSpan idle, Report report)
    {
        var images = Samples.Files.Select(File.ReadAllBytes).ToArray();
        using var without = await WorkerUnderTest.StartAloneAsync("--Serving:StatusPage=false");
        using var with = await WorkerUnderTest.StartAloneAsync();
        using var loadWithout = new RestLoad(without, images, 64);
        using var loadWith = new RestLoad(with, images, 64);
        await loadWithout.RunAsync(2 * images.Length);
        await loadWith.RunAsync(2 * images.Length);

        var (plain, watched) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            // Each goes first in every other round: what drifts hits both.
            for (var turn = 0; turn < 2; turn++)
            {
                if ((round + turn) % 2 == 0)
                    plain.Add(count / (await loadWithout.RunAsync(count)).Seconds);
                else
                    watched.Add(await WatchedAsync(with, async () => count / (await loadWith.RunAsync(count)).Seconds));
            }

            report.Line($"round {round + 1}: without {plain[^1]:F1} images/s; page on, one who watches, /metrics every {Scrape.TotalSeconds:0} s {watched[^1]:F1} images/s");
        }

        report.Line($"throughput, median of {rounds}: {Statistics.Median(plain):F1} and {Statistics.Median(watched):F1} images/s, ratio {Statistics.Median(watched) / Statistics.Median(plain):F3}");
        var (off, on) = (await CpuAsync(without, idle), await WatchedAsync(with, () => CpuAsync(with, idle)));
        var share = (on - off) / (1000 * Environment.ProcessorCount);
        report.Line($"processor time without work: {off:F2} ms a second without, {on:F2} ms with all of it; the difference is {share:P2} of {Environment.ProcessorCount} cores");
    }

    private static async Task<double> CpuAsync(WorkerUnderTest worker, TimeSpan span)
    {
        var before = worker.Cpu;
        await Task.Delay(span);
        return (worker.Cpu - before).TotalMilliseconds / span.TotalSeconds;
    }

    /// <summary>Runs something while a browser would watch the page and Prometheus would scrape.</summary>
    private static async Task<double> WatchedAsync(WorkerUnderTest worker, Func<Task<double>> run)
    {
        using var stop = new CancellationTokenSource();
        using var http = new HttpClient { BaseAddress = worker.Address };
        var watchers = Task.WhenAll(WatchAsync(http, stop.Token), ScrapeAsync(http, stop.Token));
        var result = await run();
        await stop.CancelAsync();
        await watchers;
        return result;
    }

    private static async Task WatchAsync(HttpClient http, CancellationToken stop)
    {
        var events = 0;
        try
        {
            using var stream = await http.GetStreamAsync(new Uri("/status/events", UriKind.Relative), stop);
            using var reader = new StreamReader(stream);
            while (await reader.ReadLineAsync(stop) is { } line)
                events += line.StartsWith("data:", StringComparison.Ordinal) ? 1 : 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && events > 0)
        {
            // It has watched to the end.
        }
    }

    private static async Task ScrapeAsync(HttpClient http, CancellationToken stop)
    {
        try
        {
            for (; ; await Task.Delay(Scrape, stop))
                _ = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The round is over.
        }
    }
}
