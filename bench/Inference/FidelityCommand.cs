using System.CommandLine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Inference;

/// <summary>Tokens, scores and embeddings against those of transformers; captions of the int8 models against the truth; the same of the models optimised for the CPU.</summary>
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
        var (captioner, clip) = (Path.Combine(models, "demo-captioner"), Path.Combine(models, "demo-clip"));
        using var captioner32 = OptimizedModel.Make(captioner, ConversionPrecision.Fp32);
        using var captioner8 = OptimizedModel.Make(captioner, ConversionPrecision.Int8);
        using var clip32 = OptimizedModel.Make(clip, ConversionPrecision.Fp32);
        using var clip8 = OptimizedModel.Make(clip, ConversionPrecision.Int8);
        var good = new bool[8];
        List<string> rows =
        [
            "| what | result | must be |",
            "|---|---|---|",
            .. CaptionFidelity.Compare("fp32", captioner, ModelPrecision.Fp32, images, out good[0]),
            .. CaptionFidelity.Compare("optimised fp32", captioner32.Folder, ModelPrecision.Auto, images, out good[1]),
            .. EmbeddingFidelity.Compare("fp32", clip, ModelPrecision.Fp32, images, 0.9999, out good[2]),
            .. EmbeddingFidelity.Compare("optimised fp32", clip32.Folder, ModelPrecision.Auto, images, 0.9999, out good[3]),
            .. EmbeddingFidelity.Compare("bundled int8", Path.Combine(Repository.Models, "demo-clip"), ModelPrecision.Quantized, images, 0.999, out good[4]),
            .. EmbeddingFidelity.Compare("optimised int8", clip8.Folder, ModelPrecision.Auto, images, 0.999, out good[5]),
            .. CaptionFidelity.Truth("bundled int8", Path.Combine(Repository.Models, "demo-captioner"), ModelPrecision.Quantized, Repository.Samples, out good[6]),
            .. CaptionFidelity.Truth("optimised int8", captioner8.Folder, ModelPrecision.Auto, Repository.Samples, out good[7]),
        ];
        report.Line(string.Join('\n', rows));
        report.Line(good.All(static row => row) ? "Everything is as it must be." : "Something is not as it must be.");
        return good.All(static row => row) ? 0 : 1;
    }

    /// <summary>The folder that holds golden.json.</summary>
    public static string DemoFolder(string golden) => File.Exists(Path.Combine(golden, "golden.json")) ? golden : Path.Combine(golden, "demo");
}
