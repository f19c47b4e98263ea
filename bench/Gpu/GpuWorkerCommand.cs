using System.CommandLine;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu;

/// <summary>The whole worker on GPUs, from JPEG bytes to published results on the in-memory transport, against its engine and its decoder alone.</summary>
internal static class GpuWorkerCommand
{
    private const double EngineShare = 0.9;
    private const double TwoDevices = 1.9;

    private static readonly Option<DirectoryInfo> Model = new("--model")
    {
        Description = "Folder of a captioner: config.json, preprocessor_config.json, map.json.",
        Required = true,
    };

    private static readonly Option<string[]> Devices = new("--devices")
    {
        Description = "Devices to run with: the first alone, then all together.",
        DefaultValueFactory = _ => ["cuda:0"],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Streams = new("--streams") { Description = "Batches in flight on each device.", DefaultValueFactory = _ => 2 };
    private static readonly Option<int> Batch = new("--batch") { Description = "Rows of a batch.", DefaultValueFactory = _ => 256 };
    private static readonly Option<int> Images = new("--images") { Description = "Images of a round.", DefaultValueFactory = _ => 48_000 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if every figure is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-worker", "The whole worker on GPUs, from JPEG bytes to published results.") { Model, Devices, Streams, Batch, Images, Rounds, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetRequiredValue(Model).FullName, result.GetValue(Devices)!, result.GetValue(Streams), result.GetValue(Batch), result.GetValue(Images), result.GetValue(Rounds), result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string model, string[] devices, int streams, int batch, int images, int rounds, string? file)
    {
        using var report = new Report("The whole worker on GPUs", file);
        using (var context = new CudaContext(0))
            report.Line($"{devices.Length} x {context.Name}. {images} images a round, the JPEGs of samples/ in turn, in memory; greedy captions of 16 tokens; batches of {batch}, {streams} in flight. Server garbage collection: {System.Runtime.GCSettings.IsServerGC}. "
                + $"Medians of {rounds} rounds. libturbojpeg of the system: {(VlWorker.Decoding.Formats.TurboJpeg.IsAvailable ? "used" : "not installed")}.");
        using var folder = GpuWorkerFolder.Make(model);
        var (engine, decoder) = (new List<Throughput>(), new List<Throughput>());
        var workers = new List<(string Name, List<Throughput> Rounds)>();
        var stages = new List<string>();
        decoder.AddRange(await folder.DecodeAsync(images / 4, rounds));
        engine.AddRange(folder.Engine(streams, batch, images, rounds));
        foreach (var set in devices.Length == 1 ? [devices] : new[] { devices[..1], devices })
            workers.Add((string.Join(" and ", set), await folder.WorkerAsync(set, streams, batch, images, rounds, stages)));
        report.Line(string.Join('\n',
        [
            "| what | images/s | processor time an image, ms | cores busy |",
            "|---|---|---|---|",
            Row($"decoder alone, {Environment.ProcessorCount} cores: JPEG to 224 x 224", decoder),
            Row($"engine alone, {devices[0]}: prepared images to captions", engine),
            .. workers.Select(worker => Row($"worker, {worker.Name}: JPEG to published result", worker.Rounds)),
        ]));
        report.Line($"Means of a message, warm-up included: {string.Join(", ", stages)}.");
        var share = Throughput.Median(workers[0].Rounds).PerSecond / Throughput.Median(engine).PerSecond;
        report.Line(FormattableString.Invariant($"Worker over engine alone: {share:0.00} (must be {EngineShare})."));
        if (workers.Count == 1)
            return share >= EngineShare ? 0 : 1;
        var both = Throughput.Median(workers[1].Rounds).PerSecond / Throughput.Median(workers[0].Rounds).PerSecond;
        report.Line(FormattableString.Invariant($"{devices.Length} devices over one: {both:0.00} (two must be {TwoDevices})."));
        return both >= TwoDevices ? 0 : 1;
    }

    private static string Row(string what, IReadOnlyList<Throughput> rounds)
    {
        var median = Throughput.Median(rounds);
        return FormattableString.Invariant($"| {what} | {median.PerSecond:0} | {median.Cpu:0.00} | {Statistics.Median(rounds.Select(round => round.PerSecond * round.Cpu / 1000)):0.0} |");
    }
}
