using System.CommandLine;
using VlWorker.ModelKit;

namespace VlWorker.Bench.Inference;

/// <summary>Tokens, scores and embeddings against those of transformers; captions of the int8 models against the truth.</summary>
internal static class FidelityCommand
{
    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold fp32 graphs.",
        Required = true,
    };

    private static readonly Option<DirectoryInfo> Golden = new("--golden")
    {
        Description = "Folder with golden.json, golden.safetensors and images/, or one that holds it as demo/.",
        Required = true,
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 if everything is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("fidelity", "Tokens, scores and embeddings against those of transformers.") { Models, Golden, Out };
        command.SetAction(result => Run(
            result.GetRequiredValue(Models).FullName, DemoFolder(result.GetRequiredValue(Golden).FullName), result.GetValue(Out)));
        return command;
    }

    private static int Run(string models, string golden, string? file)
    {
        using var report = new Report("Fidelity to transformers", file);
        using var images = new DemoGolden(golden);
        report.Line($"Reference: {images.MadeWith}; {images.Images.Count} images, {images.Captions.Count} captions, {images.Texts.Count} texts.");
        var bundled = Repository.Models;
        List<string> rows =
        [
            "| what | result | must be |",
            "|---|---|---|",
            .. CaptionFidelity.Compare(Path.Combine(models, "demo-captioner"), ModelPrecision.Fp32, images, out var captions),
            .. EmbeddingFidelity.Compare(Path.Combine(models, "demo-clip"), ModelPrecision.Fp32, images, 0.9999, out var fp32),
            .. EmbeddingFidelity.Compare(Path.Combine(bundled, "demo-clip"), ModelPrecision.Quantized, images, 0.999, out var int8),
            .. CaptionFidelity.Truth(Path.Combine(bundled, "demo-captioner"), ModelPrecision.Quantized, Repository.Samples, out var truth),
        ];
        report.Line(string.Join('\n', rows));
        var good = captions && fp32 && int8 && truth;
        report.Line(good ? "Everything is as it must be." : "Something is not as it must be.");
        return good ? 0 : 1;
    }

    private static string DemoFolder(string golden) => File.Exists(Path.Combine(golden, "golden.json")) ? golden : Path.Combine(golden, "demo");
}
