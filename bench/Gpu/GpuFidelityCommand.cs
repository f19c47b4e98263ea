using System.CommandLine;
using VlWorker.Bench.Inference;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Bench.Gpu;

/// <summary>The demo models' checkpoints, converted for a GPU here and now, against what transformers gives.</summary>
internal static class GpuFidelityCommand
{
    private const double ExactCosine = 0.9999;
    private const double HalfCosine = 0.999;

    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold checkpoints; without it the fixtures alone run.",
    };

    private static readonly Option<DirectoryInfo> Golden = new("--golden")
    {
        Description = "Folder with golden.json, golden.safetensors and images/ of these.",
    };

    private static readonly Option<string[]> Fixtures = new("--fixtures")
    {
        Description = "Fixtures of captioners, by the names of their archives.",
        DefaultValueFactory = _ => ["florence-2", "blip-captioning", "vit-gpt2-tiny"],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 if everything is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-fidelity", "Tokens, scores and embeddings of the demo models and of fixtures on a GPU, against those of transformers.")
        {
            Models, Golden, Fixtures, Out,
        };
        command.SetAction(result => Run(result.GetValue(Models)?.FullName, result.GetValue(Golden)?.FullName, result.GetValue(Fixtures)!, result.GetValue(Out)));
        return command;
    }

    private static int Run(string? models, string? golden, string[] fixtures, string? file)
    {
        using var report = new Report("Fidelity to transformers on a GPU", file);
        using (var context = new CudaContext(0))
            report.Line($"{context.Name}.");
        var rows = new List<string> { "| what | result | must be |", "|---|---|---|" };
        var good = true;
        foreach (var (fixture, precision) in fixtures.SelectMany(fixture => new[] { (fixture, ConversionPrecision.Fp32), (fixture, ConversionPrecision.Fp16) }))
        {
            var folder = FixtureArchive.Extract(fixture);
            using var cases = new GoldenCases(folder);
            With(folder, precision, model => FixtureFidelity.Compare(model, cases, $"{fixture}, {precision}", precision == ConversionPrecision.Fp32));
        }

        if (models is not null && golden is not null)
            Demo(models, golden, report, With);
        report.Line(string.Join('\n', rows));
        report.Line(good ? "Everything is as it must be." : "Something is not as it must be.");
        return good ? 0 : 1;

        void With(string checkpoint, ConversionPrecision precision, Func<IModel, (IReadOnlyList<string> Rows, bool Good)> compare)
        {
            try
            {
                using var model = Load(checkpoint, precision);
                var (more, fine) = compare(model);
                rows.AddRange(more);
                good &= fine;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // What the other models give is worth having.
                report.Line($"{Path.GetFileName(checkpoint)} in {precision}: {error}");
                good = false;
            }
        }
    }

    private static void Demo(
        string models, string golden, Report report, Action<string, ConversionPrecision, Func<IModel, (IReadOnlyList<string> Rows, bool Good)>> with)
    {
        using var images = new DemoGolden(golden);
        report.Line($"Reference: {images.MadeWith}; {images.Images.Count} images, {images.Captions.Count} captions, {images.Texts.Count} texts.");
        var (captioner, clip) = (Path.Combine(models, "demo-captioner"), Path.Combine(models, "demo-clip"));
        with(captioner, ConversionPrecision.Fp32, model => (CaptionFidelity.Compare(model, "Fp32", images, out var fine), fine));
        with(captioner, ConversionPrecision.Fp16, model => (CaptionFidelity.Truth(model, "Fp16", Repository.Samples, out var fine), fine));
        with(clip, ConversionPrecision.Fp32, model => (EmbeddingFidelity.Compare(model, "Fp32", images, ExactCosine, out var fine), fine));
        with(clip, ConversionPrecision.Fp16, model => (EmbeddingFidelity.Compare(model, "Fp16", images, HalfCosine, out var fine), fine));
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
