using Spectre.Console;
using VlWorker.Demo;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Pruning;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models.Verification;

namespace VlWorker.Models.Pruning;

/// <summary>One run of <c>model prune</c>.</summary>
internal sealed class PruneRun(PruneSettings settings, IAnsiConsole console, TextWriter error)
{
    /// <summary>Runs it.</summary>
    /// <returns>An exit code, see <see cref="ModelExit"/>.</returns>
    public int Run()
    {
        try
        {
            var errors = settings.Check().ToList();
            if (errors.Count > 0)
                throw new ModelCommandException(string.Join("; ", errors));
            if (settings.Sparsity is { } sparsity)
                Weights(sparsity);
            else
                HeadsAndNeurons();
            return ModelExit.Good;
        }
        catch (Exception fault) when (fault is ModelCommandException or ModelFolderException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"Error: {fault.Message}");
            return ModelExit.Unusable;
        }
    }

    private void Weights(double sparsity)
    {
        var source = ModelFolder.Open(settings.Folder, ModelPrecision.Fp32);
        var filter = new NodeFilter(settings.Operators, settings.Exclude);
        var pruning = new MagnitudePruning(sparsity, settings.Structured.Global, filter);
        using var target = DerivedFolder.Create(source, settings.Out, ModelPrecision.Fp32, settings.Force);
        foreach (var (name, path) in source.Graphs)
        {
            var model = OnnxFile.Load(path);
            var summary = pruning.Run(model);
            target.Write(name, model);
            console.Line(FormattableString.Invariant($"{name}: {summary.Zeros:N0} of {summary.Count:N0} weights in {summary.Weights} matrices are 0 ({summary.Sparsity:p1})"));
        }

        if (filter.Unmatched.ToList() is { Count: > 0 } unmatched)
            throw new ModelCommandException($"--exclude {string.Join(", ", unmatched)} matches no node that would be pruned; nothing was kept");
        target.Finish(FormattableString.Invariant($"Pruned by magnitude: {sparsity:p0} of the weights are 0."));
        console.Line($"Written: {target.Target}. The graphs are as large and as fast as before; zeros make them easier to compress.");
    }

    private void HeadsAndNeurons()
    {
        var source = Open().Change(settings.Structured.Describe(), new StructuredPruning(settings.Structured).Run);
        var manifest = ModelConverter.Convert(source, settings.Conversion, settings.Out);
        foreach (var sentence in manifest.Done)
            console.Line(sentence);
        var bytes = manifest.Graphs.Values.Select(name => Path.Combine(settings.Out, name))
            .Sum(graph => GraphChoice.ExternalData(graph).Append(graph).Sum(file => new FileInfo(file).Length));
        console.Line($"Written: {Path.GetFullPath(settings.Out)}, {Figures.Size(bytes)} of graphs");
    }

    private SourceModel Open() => HasWeights(settings.Folder) && !HasGraphs(settings.Folder)
        ? SourceModel.OpenCheckpoint(settings.Folder) : SourceModel.OpenExport(settings.Folder, ModelPrecision.Fp32);

    private static bool HasWeights(string folder) =>
        Directory.EnumerateFiles(folder, "*.safetensors").Concat(Directory.EnumerateFiles(folder, "pytorch_model*.bin")).Any();

    private static bool HasGraphs(string folder) =>
        new[] { folder, Path.Combine(folder, "onnx") }.Any(path => Directory.Exists(path) && Directory.EnumerateFiles(path, "*.onnx").Any());
}
