using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary><c>models-swap</c>: two models that don't fit into memory together, under traffic for both, on a real broker and store.</summary>
internal static partial class ModelSwapCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly (string Alias, string Task)[] Both = [("demo-captioner", Tasks.Caption), ("demo-clip", Tasks.Embedding)];

    private static readonly string[] OnDemand =
    [
        .. Both.SelectMany((model, i) => (string[])
        [
            $"--Inference:Models:{i}:Alias={model.Alias}", $"--Inference:Models:{i}:Folder={Path.Combine(Repository.Models, model.Alias)}",
            $"--Inference:Models:{i}:Load=OnDemand",
        ]),
        "--Logging:LogLevel:VlWorker.Models=Information",
    ];

    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 960, Description = "Messages for both models, in turn; 0: none." };
        var cycles = new Option<int>("--cycles") { DefaultValueFactory = _ => 12, Description = "Loads and unloads of a model that idles in between." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("models-swap", "Loading and unloading models under load: messages, memory, latency.") { count, cycles, output };
        command.SetAction(async (result, _) =>
        {
            using var services = Services.Start();
            using var report = new Report("Models that are loaded on demand", result.GetValue(output));
            using var bucket = new Bucket(services);
            await bucket.CreateAsync();
            var keys = await Samples.UploadAsync(bucket);
            // The first worker declares what answers come by.
            using (await WorkerUnderTest.StartAsync(services, bucket.Name))
            {
            }

            await using var load = await Load.ConnectAsync(services.Broker);
            var run = new Run(services, bucket.Name, keys, load, report);
            if (result.GetValue(count) > 0)
                await run.SwapAsync(result.GetValue(count), await run.TogetherAsync(result.GetValue(count)));
            await run.IdleAsync(result.GetValue(cycles));
        });
        return command;
    }

    private sealed partial class Run(Services services, string bucket, IReadOnlyList<string> keys, Load load, Report report)
    {
        /// <summary>Both models in memory: what the others are compared with. Returns the bytes that either finds room in, and both do not.</summary>
        public async Task<double> TogetherAsync(int count)
        {
            using var worker = await StartAsync();
            await AlternateAsync(keys.Count);
            var clock = Stopwatch.StartNew();
            await AlternateAsync(count);
            var rate = count / clock.Elapsed.TotalSeconds;
            var bytes = new List<double>();
            foreach (var (alias, _) in Both)
                bytes.Add(await worker.MetricAsync("vlworker_model_bytes", ("model", alias), ("device", "cpu")));
            report.Line($"both in memory: {rate:F1} messages/s, captions and embeddings in turn; {Both[0].Alias} takes {bytes[0] / 1e6:F0} MB, {Both[1].Alias} {bytes[1] / 1e6:F0} MB, as measured at the start; resident {worker.ResidentMegabytes:F0} MB");
            return bytes.Max() + (bytes.Min() / 2);
        }

        /// <summary>Room for one of them at a time.</summary>
        public async Task SwapAsync(int count, double room)
        {
            using var worker = await StartAsync($"--Inference:ModelMemoryBytes={(long)room}");
            var before = worker.ResidentMegabytes;
            var clock = Stopwatch.StartNew();
            await AlternateAsync(count);
            var rate = count / clock.Elapsed.TotalSeconds;
            var unloads = Unloads(worker);
            report.Line($"room for one: {count} of {count} messages answered, {rate:F1} messages/s, {await worker.MetricAsync("vlworker_model_loads_total")} loads, {unloads.Count} unloads; resident {before:F0} MB before, after each unload {Range(unloads)}, peak {worker.PeakMegabytes:F0} MB");
            var waits = await worker.MetricAsync("vlworker_model_wait_seconds_count") is var waited and > 0
                ? $"{waited} messages waited for a model, {await worker.MetricAsync("vlworker_model_wait_seconds_sum") / waited:F2} s on average"
                : "no message waited";
            report.Line(waits);
        }

        /// <summary>A model that is needed now and then: is its memory given back each time, and what does loading it cost a message?</summary>
        public async Task IdleAsync(int cycles)
        {
            using var worker = await StartAsync("--Inference:ModelIdle=00:00:00.300");
            var (cold, warm) = (new List<double>(), new List<double>());
            var before = worker.ResidentMegabytes;
            for (var cycle = 1; cycle <= cycles; cycle++)
            {
                cold.Add(await OneAsync());
                warm.Add(await OneAsync());
                await load.PublishAsync(bucket, keys, 64, [Tasks.Caption], Topology.BackfillRoutingKey);
                await load.AwaitAsync(64, Patience);
                var soFar = cycle;
                await Waiting.UntilAsync(() => Task.FromResult(Unloads(worker).Count >= soFar), TimeSpan.FromMilliseconds(20), Patience);
            }

            var unloads = Unloads(worker);
            report.Line($"{unloads.Count} times loaded, 66 captions, unloaded when idle: resident {before:F0} MB before, in use up to {unloads.Max(one => one.Before):F0} MB, after each unload {Range(unloads)}, on average of each fifth of them {Fifths(unloads)} MB");
            report.Line($"one message to its result, median of {cycles}: {Statistics.Median(warm):F0} ms with the model in memory, {Statistics.Median(cold):F0} ms with the load before it");
        }

        private Task<WorkerUnderTest> StartAsync(params string[] settings) => WorkerUnderTest.StartAsync(services, bucket, [.. OnDemand, .. settings]);

        private async Task AlternateAsync(int count)
        {
            for (var i = 0; i < count; i++)
                await load.PublishAsync(bucket, [keys[i % keys.Count]], 1, [Both[i % 2].Task], Topology.BackfillRoutingKey);
            await load.AwaitAsync(count, Patience);
        }

        private async Task<double> OneAsync()
        {
            var clock = Stopwatch.StartNew();
            await load.PublishAsync(bucket, [keys[0]], 1, [Tasks.Caption], Topology.InteractiveRoutingKey);
            await load.AwaitAsync(1, Patience);
            return clock.Elapsed.TotalMilliseconds;
        }

        private static string Fifths(List<(double Before, double After)> unloads) => string.Join(
            ", ", unloads.Chunk((unloads.Count + 4) / 5).Select(part => part.Average(one => one.After).ToString("F0", CultureInfo.InvariantCulture)));

        private static string Range(List<(double Before, double After)> unloads) =>
            $"{unloads.Min(one => one.After):F0} to {unloads.Max(one => one.After):F0} MB";

        private static List<(double Before, double After)> Unloads(WorkerUnderTest worker) =>
        [
            .. worker.Lines.Select(line => Unloaded().Match(line)).Where(match => match.Success).Select(match => (
                double.Parse(match.Groups["before"].Value, CultureInfo.InvariantCulture), double.Parse(match.Groups["after"].Value, CultureInfo.InvariantCulture))),
        ];

        [GeneratedRegex("was unloaded .*resident memory went from (?<before>[0-9]+) to (?<after>[0-9]+) MB", RegexOptions.ExplicitCapture)]
        private static partial Regex Unloaded();
    }
}
