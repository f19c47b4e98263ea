using System.CommandLine;
using System.Diagnostics;
using VlWorker.Bench.Pipeline;
using VlWorker.Contracts;

namespace VlWorker.Bench.Batching;

/// <summary><c>lanes</c>: what a saturating backfill does to interactive requests, what those do to it, and how jobs share it; broker, store and worker are real.</summary>
internal static class LanesCommand
{
    /// <summary>Images of each of two jobs on their way: together more than a worker takes at a time, so that the queue is never empty.</summary>
    private const int OnTheirWay = 96;

    private const int SmallJob = 32;
    private const double LeastThroughput = 0.95;

    private static readonly TimeSpan RampUp = TimeSpan.FromSeconds(1.5);

    public static Command Create()
    {
        var rate = new Option<double>("--rate") { DefaultValueFactory = _ => 10, Description = "Interactive requests a second." };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 6, Description = "Seconds of each measurement." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 3, Description = "Rounds, in which the measurements take turns." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("lanes", "Interactive requests next to a saturating backfill of two jobs, on RabbitMQ and S3.") { rate, seconds, rounds, output };
        command.SetAction(async (result, _) =>
        {
            using var report = new Report("Interactive requests next to a saturating backfill", result.GetValue(output));
            return await RunAsync(result.GetValue(rate), result.GetValue(seconds), result.GetValue(rounds), report);
        });
        return command;
    }

    private static async Task<int> RunAsync(double rate, double seconds, int rounds, Report report)
    {
        using var services = Services.Start();
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        var keys = await Samples.UploadAsync(bucket);
        using var worker = await WorkerUnderTest.StartAsync(services, bucket.Name);
        await using var traffic = await LaneTraffic.ConnectAsync(services.Broker, bucket.Name, keys);
        await BackfillAsync(traffic, 2, () => Task.FromResult<Described[]>([]));

        var (idle, busy, alone, both) = (new List<Described>(), new List<Described>(), new List<Phase>(), new List<Phase>());
        for (var round = 0; round < rounds; round++)
        {
            // Each goes first in every third round: what drifts hits all.
            for (var turn = 0; turn < 3; turn++)
            {
                if ((round + turn) % 3 == 0)
                    idle.AddRange(await traffic.InteractAsync(rate, seconds, round));
                else if ((round + turn) % 3 == 1)
                    alone.Add(await BackfillAsync(traffic, seconds, () => Task.FromResult<Described[]>([])));
                else
                    both.Add(await BackfillAsync(traffic, seconds, () => traffic.InteractAsync(rate, seconds, round)));
            }
        }

        busy.AddRange(both.SelectMany(phase => phase.Interactive));
        var good = Latency(report, rate, idle, busy, alone);
        good &= Throughput(report, alone, both);
        Turns(report, [.. alone, .. both]);
        return good & await SmallJobAsync(traffic, rounds, report) ? 0 : 1;
    }

    private static bool Latency(Report report, double rate, List<Described> idle, List<Described> busy, List<Phase> alone)
    {
        var batch = Statistics.Median(alone.SelectMany(phase => phase.Backfill).Select(described => described.Timings.Inference));
        var (quiet, loaded) = (Figures(idle), Figures(busy));
        var bound = (2 * quiet.Percentile95) + batch;
        report.Line(FormattableString.Invariant($"{rate} interactive requests a second, {idle.Count} in all: mean {quiet.Mean:0} ms, 95 % within {quiet.Percentile95:0} ms on a worker that is idle otherwise; ")
            + FormattableString.Invariant($"mean {loaded.Mean:0} ms, 95 % within {loaded.Percentile95:0} ms next to a saturating backfill, whose batches take {batch:0} ms (median). ")
            + FormattableString.Invariant($"Twice the idle figure and one batch in flight: {bound:0} ms; {loaded.Percentile95 / bound:0.00} of it."));
        report.Line($"Of an interactive request's time next to the backfill, mean / 95th percentile: fetch {Spread(one => one.Fetch)}, decode {Spread(one => one.Decode)}, "
            + $"waiting for a batch {Spread(one => one.BatchWait)}, its batch {Spread(one => one.Inference)} ms; rows of its batch {Spread(one => one.BatchSize)}.");
        return loaded.Percentile95 <= bound;

        string Spread(Func<Timings, double> part)
        {
            var parts = busy.Select(one => part(one.Timings)).ToList();
            return FormattableString.Invariant($"{parts.Average():0} / {Statistics.Percentile(parts, 0.95):0}");
        }
    }

    private static bool Throughput(Report report, List<Phase> alone, List<Phase> both)
    {
        var (before, after) = (Statistics.Median(alone.Select(phase => phase.PerSecond)), Statistics.Median(both.Select(phase => phase.PerSecond)));
        report.Line(FormattableString.Invariant($"Images a second, median of {alone.Count} rounds: {before:0.0} of backfill alone, {after:0.0} of both lanes together: {after / before:0.00} (must be {LeastThroughput})."));
        return after >= LeastThroughput * before;
    }

    private static void Turns(Report report, List<Phase> phases)
    {
        var shares = phases.Select(phase => phase.Backfill.Count(one => one.Job == "a") / (double)phase.Backfill.Count).ToList();
        report.Line(FormattableString.Invariant($"Two jobs that are fed alike: the first gets {shares.Min():0.00} to {shares.Max():0.00} of the images of a measurement."));
    }

    /// <summary>A small job that comes while a large one saturates the worker, under an id of its own, and as further images of the large one.</summary>
    private static async Task<bool> SmallJobAsync(LaneTraffic traffic, int rounds, Report report)
    {
        var (own, same) = (new List<double>(), new List<double>());
        for (var round = 0; round < 2 * rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            var large = traffic.SaturateAsync("large", 2 * OnTheirWay, stop.Token);
            await Task.Delay(RampUp);
            var small = await Task.WhenAll(Enumerable.Range(0, SmallJob).Select(_ => traffic.AskAsync(Topology.BackfillRoutingKey, round % 2 == 0 ? "small" : "large")));
            (round % 2 == 0 ? own : same).Add(small.Average(one => one.Milliseconds));
            await stop.CancelAsync();
            await large;
        }

        var (turns, queue) = (Statistics.Median(own), Statistics.Median(same));
        report.Line(FormattableString.Invariant($"A job of {SmallJob} images that comes while {2 * OnTheirWay} of another are on their way: described after {turns:0} ms in the mean; the same images as part of the other job after {queue:0} ms."));
        return turns < queue;
    }

    private static async Task<Phase> BackfillAsync(LaneTraffic traffic, double seconds, Func<Task<Described[]>> beside)
    {
        using var stop = new CancellationTokenSource();
        var jobs = new[] { "a", "b" }.Select(job => traffic.SaturateAsync(job, OnTheirWay, stop.Token)).ToArray();
        await Task.Delay(RampUp);
        var started = Stopwatch.GetTimestamp();
        var interactive = beside();
        await Task.WhenAll(Task.Delay(TimeSpan.FromSeconds(seconds)), interactive);
        var ended = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        var backfill = (await Task.WhenAll(jobs)).SelectMany(job => job).Where(one => one.At >= started && one.At < ended).ToList();
        var asked = await interactive;
        var rows = backfill.Count + asked.Length;
        return new Phase(backfill, asked, rows / Stopwatch.GetElapsedTime(started, ended).TotalSeconds);
    }

    private static (double Mean, double Percentile95) Figures(List<Described> described) =>
        (described.Average(one => one.Milliseconds), Statistics.Percentile(described.Select(one => one.Milliseconds), 0.95));

    private sealed record Phase(List<Described> Backfill, Described[] Interactive, double PerSecond);
}
