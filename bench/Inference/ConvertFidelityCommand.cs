using System.CommandLine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Inference;

/// <summary>What <c>model convert</c> makes of the checkpoints and <c>model optimize</c> of the exports, against transformers.</summary>
internal static class ConvertFidelityCommand
{
    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold model.safetensors and fp32 graphs.",
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
        var command = new Command("convert-fidelity", "Tokens, scores and embeddings of converted and optimised models against those of transformers.")
        {
            Models, Golden, Out,
        };
        command.SetAction(result => Run(
            result.GetRequiredValue(Models).FullName, FidelityCommand.DemoFolder(result.GetRequiredValue(Golden).FullName), result.GetValue(Out)));
        return command;
    }

    private static int Run(string models, string golden, string? file)
    {
        using var report = new Report("Fidelity of converted and optimised models", file);
        using var images = new DemoGolden(golden);
        report.Line($"Reference: {images.MadeWith}; {images.Images.Count} images, {images.Captions.Count} captions, {images.Texts.Count} texts.");
        report.Line("`convert` reads the fp16 checkpoint, `optimize` the export named; both build the graphs for the CPU.");
        var work = Directory.CreateTempSubdirectory("vlworker-fidelity-").FullName;
        try
        {
            var (rows, good) = Compare(models, images, work);
            report.Line(string.Join('\n', (IEnumerable<string>)["| what | result | must be |", "|---|---|---|", .. rows]));
            report.Line(good ? "Everything is as it must be." : "Something is not as it must be.");
            return good ? 0 : 1;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static (List<string> Rows, bool Good) Compare(string models, DemoGolden golden, string work)
    {
        var (rows, good) = (new List<string>(), true);
        (string Name, Func<string, SourceModel> Open)[] sources =
        [
            ("convert", SourceModel.OpenCheckpoint),
            ("optimize fp32", static folder => SourceModel.OpenExport(folder, ModelPrecision.Fp32)),
        ];
        foreach (var (name, open) in sources)
        {
            var captioner = Make(open, Path.Combine(models, "demo-captioner"), ConversionPrecision.Fp32, work);
            rows.AddRange(CaptionFidelity.Compare(name + " to fp32:", captioner, ModelPrecision.Auto, golden, out var captions));
            var embedder = Make(open, Path.Combine(models, "demo-clip"), ConversionPrecision.Fp32, work);
            rows.AddRange(EmbeddingFidelity.Compare(name + " to fp32:", embedder, ModelPrecision.Auto, golden, 0.9999, out var embeddings));
            good &= captions && embeddings;
        }

        static SourceModel Int8(string folder) => SourceModel.OpenExport(folder, ModelPrecision.Quantized);
        foreach (var (name, open) in (IEnumerable<(string, Func<string, SourceModel>)>)[.. sources, ("optimize int8", Int8)])
        {
            var captioner = Make(open, Path.Combine(models, "demo-captioner"), ConversionPrecision.Int8, work);
            rows.AddRange(CaptionFidelity.Truth(name + " to int8:", captioner, ModelPrecision.Auto, Repository.Samples, out var truth));
            var embedder = Make(open, Path.Combine(models, "demo-clip"), ConversionPrecision.Int8, work);
            rows.AddRange(EmbeddingFidelity.Compare(name + " to int8:", embedder, ModelPrecision.Auto, golden, 0.999, out var embeddings));
            good &= truth && embeddings;
        }

        return (rows, good);
    }

    private static string Make(Func<string, SourceModel> open, string folder, ConversionPrecision precision, string work)
    {
        var target = Path.Combine(work, Path.GetFileName(folder));
        ModelConverter.Convert(open(folder), new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return target;
    }
}
