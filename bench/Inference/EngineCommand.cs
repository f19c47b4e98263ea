using System.CommandLine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Inference;

/// <summary>Images a second from encoded bytes in memory to captions or embeddings: decoder, batcher and engine in this process.</summary>
internal static class EngineCommand
{
    private const string TransformersJs = "transformersjs";
    private const string Plain = "plain";

    private static readonly Option<DirectoryInfo?> Model = new("--model") { Description = "Model folder, of a captioner or of an embedder; by default the bundled captioner. Peers run captioners only." };
    private static readonly Option<string?> Optimize = new("--optimize")
    {
        Description = "int8 or fp32: the engine runs the model optimised for the CPU, and takes turns with itself on the exported int8 graphs.",
    };

    private static readonly Option<DirectoryInfo?> Optimized = new("--optimized") { Description = "In place of --optimize: the folder that vl-worker model optimize made of it." };
    private static readonly Option<int[]> Batches = new("--batch")
    {
        Description = "Batch sizes of the engine.",
        DefaultValueFactory = _ => [1, 8, 16, 32],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int[]> PeerBatches = new("--peer-batch")
    {
        Description = "Batch sizes of the peers.",
        DefaultValueFactory = _ => [1, 8, 32],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Threads = new("--threads")
    {
        Description = "Threads inside a run; as many streams as that leaves cores.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds over the images, alternating; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<int> Images = new("--images") { Description = "The first so many of the samples.", DefaultValueFactory = _ => int.MaxValue };
    private static readonly Option<string[]> Peers = new("--peer")
    {
        Description = "transformersjs, or plain: a loop over the exported int8 graphs with ONNX Runtime. They take turns with the engine, on the folder as it is.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<double[]> Least = new("--least")
    {
        Description = "For each peer, how many times its best the engine's best must be; the exit code says whether it is.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("engine", "Images a second from encoded bytes in memory to captions or embeddings.")
        {
            Model, Optimize, Optimized, Batches, PeerBatches, Threads, Rounds, Images, Peers, Least, Out,
        };
        Peers.AcceptOnlyFromAmong(TransformersJs, Plain);
        Optimize.AcceptOnlyFromAmong("int8", "fp32");
        command.SetAction((result, _) => RunAsync(result));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult options)
    {
        var model = options.GetValue(Model)?.FullName ?? Path.Combine(Repository.Models, "demo-captioner");
        var (peers, least) = (options.GetValue(Peers)!, options.GetValue(Least)!);
        if (least.Length > peers.Length)
            throw new ArgumentException("--least has more numbers than --peer has names");
        using var report = new Report($"The engine, from encoded bytes to results: {Path.GetFileName(Path.TrimEndingDirectorySeparator(model))}", options.GetValue(Out));
        using var optimized = options.GetValue(Optimize) is { } precision
            ? OptimizedModel.Make(model, Enum.Parse<ConversionPrecision>(precision, true)) : null;
        using var race = new EngineRace(options.GetValue(Images));
        foreach (var batch in options.GetValue(Batches)!)
        {
            if ((optimized?.Folder ?? options.GetValue(Optimized)?.FullName) is { } folder)
                race.AddEngine($"engine, optimised ({ModelFolder.Open(folder).Manifest?.Precision})", folder, ModelPrecision.Auto, batch, options.GetValue(Threads));
            race.AddEngine("engine, exported int8", model, ModelPrecision.Quantized, batch, options.GetValue(Threads));
        }

        if (peers.Contains(TransformersJs))
            race.AddTransformersJs(model, options.GetValue(PeerBatches)!);
        if (peers.Contains(Plain))
            race.AddPlain(model, options.GetValue(PeerBatches)!);
        await race.RunAsync(options.GetValue(Rounds));
        report.Line(race.Table());
        var good = true;
        for (var i = 0; i < peers.Length; i++)
            good &= race.Compare(report, peers[i] == Plain ? EngineRace.PlainName : EngineRace.TransformersJsName, i < least.Length ? least[i] : null);
        return good ? 0 : 1;
    }
}
