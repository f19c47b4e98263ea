using System.CommandLine;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu;

/// <summary>Full-size models on a GPU, through ModelKit's graphs and the worker's engine, against Hugging Face transformers in the same run.</summary>
internal static class GpuCommand
{
    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with a folder for each model: config.json, preprocessor_config.json, map.json.",
        Required = true,
    };

    private static readonly Option<string[]> Cases = new("--cases")
    {
        Description = "Which models.",
        DefaultValueFactory = _ => ["vit-gpt2", "clip-vit-base-patch32", "clip-vit-large-patch14"],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int[]> Batches = new("--batches")
    {
        Description = "Batch sizes.",
        DefaultValueFactory = _ => [1, 256, 512, 1024],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Lanes = new("--lanes") { Description = "Batches in flight.", DefaultValueFactory = _ => 3 };
    private static readonly Option<bool> Turns = new("--turns") { Description = "Whether batches have the GPU one after the other." };
    private static readonly Option<int> Chunk = new("--chunk") { Description = "Images that go through an encoder at a time; 0 is the engine's choice." };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<string?> Python = new("--reference") { Description = "A Python with torch and transformers: takes turns with it." };
    private static readonly Option<bool> Check = new("--check") { Description = "Compares tokens and embeddings with 32-bit floats.", DefaultValueFactory = _ => true };
    private static readonly Option<bool> Profile = new("--profile") { Description = "Runs each stage of the captioner once, for `ncu --profile-from-start off`; nothing else." };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if every figure is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu", "Full-size models of random weights on a GPU, against Hugging Face transformers.")
        {
            Models, Cases, Batches, Lanes, Turns, Chunk, Rounds, Python, Check, Profile, Out,
        };
        command.SetAction(result => Run(new GpuPlan(
            result.GetRequiredValue(Models).FullName,
            result.GetValue(Cases)!,
            result.GetValue(Batches)!,
            new CudaSettings(0, result.GetValue(Lanes), result.GetValue(Batches)!.Max())
            {
                EncoderChunk = result.GetValue(Chunk),
                TakeTurns = result.GetValue(Turns),
                RecordedBatches = result.GetValue(Batches)!,
            },
            result.GetValue(Rounds),
            result.GetValue(Python),
            result.GetValue(Check), result.GetValue(Profile)), result.GetValue(Out)));
        return command;
    }

    private static int Run(GpuPlan plan, string? file)
    {
        using var report = new Report("Full-size models on a GPU", file);
        using var reference = plan.Python is null ? null : ReferencePeer.Start(plan.Python, "reference.py", plan.Models);
        using (var context = new CudaContext(plan.Settings.Device))
            report.Line($"{context.Name}, {context.Memory().Total >> 30} GiB. {(reference is null ? "No reference." : $"Reference: {reference.Versions}, fp16, its inputs on the GPU already.")}");
        report.Line($"Ours: fp16, from 8-bit images in the host's memory to tokens or embeddings there; {plan.Settings.Lanes} batches in flight where images a second are stated. "
            + $"Medians of {plan.Rounds} rounds, taking turns.");
        var good = true;
        foreach (var name in plan.Cases)
        {
            var folder = Path.Combine(plan.Models, name);
            good &= name.StartsWith("clip", StringComparison.Ordinal)
                ? new EmbeddingRace(plan, folder, reference, report).Run()
                : new CaptionRace(plan, folder, reference, report).Run();
        }

        return good ? 0 : 1;
    }
}

/// <summary>What is measured.</summary>
/// <param name="Models">Folder of the models' folders.</param>
/// <param name="Cases">The models.</param>
/// <param name="Batches">Batch sizes.</param>
/// <param name="Settings">How the engine runs.</param>
/// <param name="Rounds">Rounds.</param>
/// <param name="Python">The reference's Python; null for none.</param>
/// <param name="Check">Whether results are compared.</param>
/// <param name="Profile">Whether stages run once each, for a profiler, and nothing else.</param>
internal sealed record GpuPlan(
    string Models, IReadOnlyList<string> Cases, IReadOnlyList<int> Batches, CudaSettings Settings, int Rounds, string? Python, bool Check, bool Profile);
