using System.CommandLine;
using System.Diagnostics;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Inference;

/// <summary>Images a second from encoded bytes in memory to captions: decoder, batcher and engine in this process.</summary>
internal static class EngineCommand
{
    private static readonly Option<DirectoryInfo?> Model = new("--model") { Description = "Model folder; by default the bundled captioner." };
    private static readonly Option<int[]> Batches = new("--batch")
    {
        Description = "Batch sizes.",
        DefaultValueFactory = _ => [1, 8, 16, 32],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Threads = new("--threads")
    {
        Description = "Threads inside a run; as many streams as that leaves cores.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds over the images, alternating; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<string?> Peer = new("--peer") { Description = "transformersjs: takes turns with it, at batch sizes 1, 8 and 32." };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. With a peer, exit code 0 only if the engine is at least twice as fast as the peer's best.</summary>
    public static Command Create()
    {
        var command = new Command("engine", "Images a second from encoded bytes in memory to captions.") { Model, Batches, Threads, Rounds, Peer, Out };
        Peer.AcceptOnlyFromAmong("transformersjs");
        command.SetAction((result, _) => RunAsync(
            result.GetValue(Model)?.FullName ?? Path.Combine(Repository.Models, "demo-captioner"), result.GetValue(Batches)!, result.GetValue(Threads), result.GetValue(Rounds),
            result.GetValue(Peer) is not null, result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string model, int[] batches, int threads, int rounds, bool withPeer, string? file)
    {
        int[] peerBatches = [1, 8, 32];
        using var report = new Report("The engine, from encoded bytes to captions", file);
        using var peer = withPeer ? TransformersJs.Start(model, Repository.Samples, peerBatches) : null;
        var images = Samples.Files.Select(File.ReadAllBytes).ToList();
        var engines = batches.ToDictionary(batch => batch, batch => new EngineAlone(model, batch, threads));
        var figures = batches.ToDictionary(batch => batch, _ => new List<Figure>());
        var peerFigures = peerBatches.ToDictionary(batch => batch, _ => new List<double>());
        foreach (var (batch, engine) in engines)
            await MeasureAsync(engine, images, batch);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (batch, engine) in engines)
                figures[batch].Add(await MeasureAsync(engine, images, batch));
            foreach (var batch in peer is null ? [] : peerBatches)
                peerFigures[batch].Add(peer!.Round(batch).PerSecond);
        }

        foreach (var engine in engines.Values)
            engine.Dispose();
        report.Line(Table(figures, images.Count, rounds));
        return peer is null || Compare(report, figures, peerFigures, peer.Version) ? 0 : 1;
    }

    private static async Task<Figure> MeasureAsync(EngineAlone engine, List<byte[]> images, int batch)
    {
        // Two batches for each stream: one runs, the next one fills.
        var inFlight = batch == 1 ? Environment.ProcessorCount : 2 * batch * Environment.ProcessorCount;
        var (allocated, cpu) = (GC.GetTotalAllocatedBytes(true), Process.GetCurrentProcess().TotalProcessorTime);
        var seconds = await engine.RunAsync(images, images.Count, inFlight);
        return new Figure(
            images.Count / seconds,
            (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalMilliseconds / images.Count,
            (GC.GetTotalAllocatedBytes(true) - allocated) / 1024.0 / images.Count);
    }

    private static string Table(Dictionary<int, List<Figure>> figures, int images, int rounds) => string.Join('\n',
    [
        $"{images} images of samples/, decoding and text included; medians of {rounds} rounds.",
        string.Empty,
        "| batch | images/s | processor time an image | allocated an image |",
        "|---|---|---|---|",
        .. figures.Select(entry => FormattableString.Invariant(
            $"| {entry.Key} | {Median(entry.Value, f => f.PerSecond):0.0} | {Median(entry.Value, f => f.CpuMs):0.0} ms | {Median(entry.Value, f => f.Kilobytes):0.0} KiB |")),
    ]);

    private static bool Compare(Report report, Dictionary<int, List<Figure>> figures, Dictionary<int, List<double>> peer, string version)
    {
        var ours = figures.Values.Max(list => Median(list, f => f.PerSecond));
        var theirs = peer.Values.Max(list => Median(list, f => f));
        report.Line(string.Join('\n',
        [
            $"transformers.js {version}, same files, same run, taking turns:",
            string.Empty,
            "| batch | images/s |",
            "|---|---|",
            .. peer.Select(entry => FormattableString.Invariant($"| {entry.Key} | {Median(entry.Value, f => f):0.0} |")),
        ]));
        report.Line(FormattableString.Invariant($"Best against best: {ours:0.0} / {theirs:0.0} = {ours / theirs:0.00} (must be 2)."));
        return ours >= 2 * theirs;
    }

    private static double Median<T>(List<T> values, Func<T, double> value) => values.Select(value).Order().ElementAt(values.Count / 2);

    private sealed record Figure(double PerSecond, double CpuMs, double Kilobytes);
}
