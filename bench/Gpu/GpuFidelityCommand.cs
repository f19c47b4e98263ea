using System.CommandLine;
using VlWorker.Bench.Inference;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Inference.Families.Idefics3;

namespace VlWorker.Bench.Gpu;

/// <summary>The tests' tiny models and the demo models, converted for a GPU here and now, against what transformers gives.</summary>
internal static class GpuFidelityCommand
{
    private const double ExactCosine = 0.9999;
    private const double HalfCosine = 0.999;

    /// <summary>The tests' tiny models that have a GPU's graphs, but for the chat model.</summary>
    public static readonly IReadOnlyList<string> Fixtures =
        ["vit-gpt2-tiny", "blip-captioning", "blip-vqa", "florence-2", "clip-tiny", "siglip", "siglip2-naflex", "dinov2"];

    private static readonly Option<DirectoryInfo?> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold checkpoints. Without it the tests' tiny models alone are compared.",
    };

    private static readonly Option<DirectoryInfo?> Golden = new("--golden") { Description = "Folder with golden.json, golden.safetensors and images/ of the demo models." };

    private static readonly Option<string> Where = new("--device")
    {
        Description = "cuda:0, cuda:1, ...; or cpu, for the tiny models in 32-bit floats.",
        DefaultValueFactory = _ => "cuda:0",
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 if everything is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-fidelity", "Tokens, scores and embeddings of tiny models and of the demo models on a GPU, against those of transformers.")
        {
            Models, Golden, Where, Out,
        };
        command.SetAction(result => Run(
            result.GetValue(Models)?.FullName, result.GetValue(Golden)?.FullName, DeviceName.Parse(result.GetRequiredValue(Where)), result.GetValue(Out)));
        return command;
    }

    private static int Run(string? models, string? golden, DeviceName device, string? file)
    {
        using var report = new Report("Fidelity to transformers on a GPU", file);
        var rows = new List<string> { "| what | result | must be |", "|---|---|---|" };
        if (device.Kind == DeviceKind.Cuda)
        {
            using var context = new CudaContext(device.Index);
            report.Line($"{context.Name}.");
        }

        var good = Tiny(device, rows, report);
        if (models is not null && golden is not null)
            good &= Demo(models, golden, device, rows, report);
        report.Line(string.Join('\n', rows));
        report.Line(good ? "Everything is as it must be." : "Something is not as it must be.");
        return good ? 0 : 1;
    }

    private static bool Tiny(DeviceName device, List<string> rows, Report report)
    {
        var good = true;
        ConversionPrecision[] precisions = device.Kind == DeviceKind.Cuda ? [ConversionPrecision.Fp32, ConversionPrecision.Fp16] : [ConversionPrecision.Fp32];
        foreach (var (fixture, precision) in Fixtures.SelectMany(fixture => precisions.Select(precision => (fixture, precision))))
        {
            var (more, faults, fine) = new FixtureFidelity(fixture, device, precision).Run();
            rows.AddRange(more);
            good &= fine;
            foreach (var fault in faults)
                report.Line(fault);
        }

        return good & (device.Kind != DeviceKind.Cuda || Chat(device, rows));
    }

    private static bool Chat(DeviceName device, List<string> rows)
    {
        using var golden = new ChatFixture();
        using var model = ConvertedFolder.Load(golden.Folder, device, ConversionPrecision.Fp16, 64);
        rows.AddRange(ChatFidelity.Compare(model, "smolvlm Fp16:", golden, out var good));
        return good;
    }

    private static bool Demo(string models, string golden, DeviceName device, List<string> rows, Report report)
    {
        using var images = new DemoGolden(golden);
        report.Line($"Reference of the demo models: {images.MadeWith}; {images.Images.Count} images, {images.Captions.Count} captions, {images.Texts.Count} texts.");
        var good = true;
        void With(string name, ConversionPrecision precision, Func<IModel, string, (IReadOnlyList<string> Rows, bool Good)> compare)
        {
            using var model = ConvertedFolder.Load(Path.Combine(models, name), device, precision, 64);
            var (more, fine) = compare(model, precision.ToString());
            rows.AddRange(more);
            good &= fine;
        }

        With("demo-captioner", ConversionPrecision.Fp32, (model, what) => (CaptionFidelity.Compare(model, what, images, out var fine), fine));
        With("demo-captioner", ConversionPrecision.Fp16, (model, what) => (CaptionFidelity.Truth(model, what, Repository.Samples, out var fine), fine));
        With("demo-clip", ConversionPrecision.Fp32, (model, what) => (EmbeddingFidelity.Compare(model, what, images, ExactCosine, out var fine), fine));
        With("demo-clip", ConversionPrecision.Fp16, (model, what) => (EmbeddingFidelity.Compare(model, what, images, HalfCosine, out var fine), fine));
        return good;
    }
}
