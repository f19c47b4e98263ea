using System.CommandLine;
using VlWorker.Bench.Inference;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Gpu;

/// <summary>The demo models' checkpoints, converted for a GPU here and now, against what transformers gives.</summary>
internal static class GpuFidelityCommand
{
    private const double ExactCosine = 0.9999;
    private const double HalfCosine = 0.999;

    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold checkpoints.",
        Required = true,
    };

    private static readonly Option<DirectoryInfo> Golden = new("--golden")
    {
        Description = "Folder with golden.json, golden.safetensors and images/.",
        Required = true,
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 if everything is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-fidelity", "Tokens, scores and embeddings of the demo models on a GPU, against those of transformers.") { Models, Golden, Out };
        command.SetAction(result => Run(result.GetRequiredValue(Models).FullName, result.GetRequiredValue(Golden).FullName, result.GetValue(Out)));
        return command;
    }

    private static int Run(string models, string golden, string? file)
    {
        using var report = new Report("Fidelity to transformers on a GPU", file);
        using var images = new DemoGolden(golden);
        using (var context = new CudaContext(0))
            report.Line($"{context.Name}. Reference: {images.MadeWith}; {images.Images.Count} images, {images.Captions.Count} captions, {images.Texts.Count} texts.");
        var rows = new List<string> { "| what | result | must be |", "|---|---|---|" };
        var good = true;
        void With(string name, ConversionPrecision precision, Func<IModel, string, (IReadOnlyList<string> Rows, bool Good)> compare)
        {
            using var model = Load(Path.Combine(models, name), precision);
            var (more, fine) = compare(model, precision.ToString());
            rows.AddRange(more);
            good &= fine;
        }

        With("demo-captioner", ConversionPrecision.Fp32, (model, what) => (CaptionFidelity.Compare(model, what, images, out var fine), fine));
        With("demo-captioner", ConversionPrecision.Fp16, (model, what) => (CaptionFidelity.Truth(model, what, Repository.Samples, out var fine), fine));
        With("demo-clip", ConversionPrecision.Fp32, (model, what) => (EmbeddingFidelity.Compare(model, what, images, ExactCosine, out var fine), fine));
        With("demo-clip", ConversionPrecision.Fp16, (model, what) => (EmbeddingFidelity.Compare(model, what, images, HalfCosine, out var fine), fine));
        report.Line(string.Join('\n', rows));
        report.Line(good ? "Everything is as it must be." : "Something is not as it must be.");
        return good ? 0 : 1;
    }

    private static IModel Load(string checkpoint, ConversionPrecision precision)
    {
        var target = Path.Combine(Path.GetTempPath(), $"vl-bench-{Path.GetFileName(checkpoint)}-{precision}");
        ModelConverter.Convert(SourceModel.OpenCheckpoint(checkpoint), new ConversionOptions(ConversionTarget.Cuda, precision), target);
        var folder = ModelFolder.Open(target);
        return ModelLoader.Load(
            new ModelReference { Alias = Path.GetFileName(checkpoint), Revision = folder.ComputeRevision() }, folder, new ModelOptions(),
            new DeviceSpec(new DeviceName(DeviceKind.Cuda, 0), 1, 64));
    }
}
