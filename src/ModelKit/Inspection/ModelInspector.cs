using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Inspects a model folder: a checkpoint, an export, an optimised one, or several of these at once.</summary>
internal static class ModelInspector
{
    private static readonly int[] Batches = [1, 8, 32, 128, 256];

    /// <summary>Inspects a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="precision">Which of its graphs.</param>
    /// <param name="tokens">Tokens of a caption, for the work of a captioner.</param>
    /// <exception cref="ModelFolderException">It is no model of a known family, or a file can't be read.</exception>
    public static ModelInspection Inspect(string folder, ModelPrecision precision, int tokens)
    {
        folder = Path.GetFullPath(folder);
        var errors = new List<string>();
        var config = JsonFile.Read(folder, ModelFolder.ConfigFile, errors);
        if (config is null)
            throw new ModelFolderException(folder, errors.Count > 0 ? errors : [$"{ModelFolder.ConfigFile} is missing"]);
        var family = ModelFolder.FindFamily(config, errors) ?? throw new ModelFolderException(folder, errors);
        string[] weights = [Checkpoint.SingleFile, Checkpoint.IndexFile, Checkpoint.TorchFileName, Checkpoint.TorchIndexFile];
        var checkpoint = weights.Any(name => File.Exists(Path.Combine(folder, name)));
        var opened = Open(folder, precision, checkpoint);
        try
        {
            var work = ModelWork.Of(folder, family, config, tokens);
            var graphs = opened is null ? [] : opened.Graphs.OrderBy(static graph => graph.Key, StringComparer.Ordinal)
                .Select(graph => GraphInspector.Read(folder, graph.Key, graph.Value)).ToList();
            return new ModelInspection(
                folder, family.Name, [.. Kinds(checkpoint, opened)], Precisions(opened), graphs, work.Parts,
                Memory(work, Weights(folder, graphs)), opened?.Manifest?.Done ?? [], opened?.Manifest is null ? Offers(family) : []);
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException)
        {
            throw new ModelFolderException(folder, [error.Message]);
        }
    }

    // A checkpoint needs no graphs; without one what is missing is an error.
    private static ModelFolder? Open(string folder, ModelPrecision precision, bool checkpoint)
    {
        try
        {
            return ModelFolder.Open(folder, precision);
        }
        catch (ModelFolderException) when (checkpoint && precision == ModelPrecision.Auto)
        {
            return null;
        }
    }

    private static IEnumerable<string> Kinds(bool checkpoint, ModelFolder? opened)
    {
        if (checkpoint)
            yield return "checkpoint";
        if (opened is not null)
            yield return opened.Manifest is null ? "export" : "optimised";
    }

    private static IReadOnlyList<string> Precisions(ModelFolder? opened) => opened is null ? []
        : [.. opened.Available.OrderBy(precision => precision != opened.Precision).Select(static precision => precision.ToString().ToLowerInvariant())];

    private static Dictionary<string, long> Weights(string folder, List<GraphFacts> graphs)
    {
        if (graphs.Count > 0)
            return graphs.ToDictionary(static graph => graph.Name, static graph => graph.Bytes, StringComparer.Ordinal);
        using var checkpoint = Checkpoint.Open(folder);
        return new() { ["checkpoint"] = checkpoint.Tensors.Sum(static tensor => tensor.Length) };
    }

    // Caches are 32-bit floats on a CPU. The encoder's weights are read once a batch, the decoder's once a step.
    private static IReadOnlyList<MemoryFacts> Memory(ModelWork work, Dictionary<string, long> weights)
    {
        var (all, own, image) = (weights.Values.Sum(), work.OwnCache, work.ImageCache);
        var decoder = weights.Where(static graph => graph.Key.Contains("decoder", StringComparison.Ordinal)).Select(static graph => graph.Value).DefaultIfEmpty(0).Max();
        return [.. Batches.Select(batch => new MemoryFacts(
            batch, all, batch * (own + image) * sizeof(float),
            ((all + ((work.Steps - 1) * decoder)) / batch) + (work.Steps * (image + (own / 2)) * sizeof(float))))];
    }

    private static IReadOnlyList<OptimizationOffer> Offers(ModelFamily family) => [.. GraphTargets.Of(family).SelectMany(static entry =>
        entry.Target.Precisions.Select(precision => new ConversionOptions(entry.Kind, precision)).Select(options => new OptimizationOffer(
            options.TargetName, options.PrecisionName, entry.Target.Layout, entry.Target.Done(entry.Family, options.Precision))))];
}
