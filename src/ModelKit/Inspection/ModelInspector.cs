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
            var parts = Parts(folder, family, config, tokens);
            var graphs = opened is null ? [] : opened.Graphs.OrderBy(static graph => graph.Key, StringComparer.Ordinal)
                .Select(graph => GraphInspector.Read(folder, graph.Key, graph.Value)).ToList();
            return new ModelInspection(
                folder, family.ModelType, [.. Kinds(checkpoint, opened)], Precisions(opened), graphs, parts,
                Memory(folder, family, config, tokens, Weights(folder, graphs)), opened?.Manifest?.Done ?? [], opened?.Manifest is null ? Offers(family) : []);
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

    private static IReadOnlyList<PartFacts> Parts(string folder, ModelFamily family, JsonFile config, int tokens)
    {
        if (family == ModelFamily.Florence2)
            return Florence2Parts(folder, config, tokens);
        if (family == ModelFamily.Clip)
            return Towers(TextConfig.ReadClip(config), WorkEstimate.Vision(VisionConfig.ReadClip(config), true), 0);
        if (family == ModelFamily.Siglip)
        {
            var text = TextConfig.ReadSiglip(config);
            return Towers(text, WorkEstimate.Siglip(VisionConfig.ReadSiglip(config)), text.Projection);
        }

        if (family == ModelFamily.Dinov2)
            return [Images("vision", WorkEstimate.Dinov2(VisionConfig.ReadDinov2(config)))];

        if (family == ModelFamily.Idefics3 || family == ModelFamily.SmolVlm)
            return ChatEstimate.Parts(config, tokens);
        var (images, captions) = Captioner(family, config);
        var (encoder, decoder) = (WorkEstimate.Vision(images, false), family == ModelFamily.Blip
            ? WorkEstimate.Bert(captions, images, tokens) : WorkEstimate.Decoder(captions, images, tokens));
        return
        [
            new("encoder", encoder.Parameters, encoder.Flops, "an image", true),
            new("decoder", decoder.Parameters, decoder.Flops, $"a caption of {tokens} tokens", true),
        ];
    }

    private static PartFacts Images(string name, (long Parameters, long Flops) vision) => new(name, vision.Parameters, vision.Flops, "an image", true);

    private static IReadOnlyList<PartFacts> Towers(TextConfig text, (long Parameters, long Flops) vision, int headBias)
    {
        var words = WorkEstimate.Text(text);
        return [Images("vision", vision), new("text", words.Parameters + headBias, words.Flops, $"a text of {text.MaxPositions} tokens", false)];
    }

    private static (VisionConfig Images, TextConfig Captions) Captioner(ModelFamily family, JsonFile config) => family == ModelFamily.Blip
        ? (VisionConfig.ReadBlip(config), BlipConfig.Read(config).Text)
        : (VisionConfig.ReadVit(config), TextConfig.ReadGpt2(config));

    private static IReadOnlyList<PartFacts> Florence2Parts(string folder, JsonFile config, int tokens)
    {
        var (images, text) = (DavitConfig.Read(config, PreprocessorConfig.Load(folder).Resize), BartConfig.ReadFlorence2(config));
        var states = Florence2Estimate.Tokens(images);
        var (vision, encoder) = (Florence2Estimate.Vision(images), Florence2Estimate.Encoder(text, states));
        var decoder = Florence2Estimate.Decoder(text, states, tokens);
        return
        [
            new("vision", vision.Parameters, vision.Flops, "an image", true),
            new("encoder", encoder.Parameters, encoder.Flops, $"{states} tokens of an image", true),
            new("decoder", decoder.Parameters, decoder.Flops, $"an answer of {tokens} tokens", true),
        ];
    }

    private static Dictionary<string, long> Weights(string folder, List<GraphFacts> graphs)
    {
        if (graphs.Count > 0)
            return graphs.ToDictionary(static graph => graph.Name, static graph => graph.Bytes, StringComparer.Ordinal);
        using var checkpoint = Checkpoint.Open(folder);
        return new() { ["checkpoint"] = checkpoint.Tensors.Sum(static tensor => tensor.Length) };
    }

    // Caches are 32-bit floats on a CPU. The encoder's weights are read once a batch, the decoder's once a step.
    private static IReadOnlyList<MemoryFacts> Memory(string folder, ModelFamily family, JsonFile config, int tokens, Dictionary<string, long> weights)
    {
        var all = weights.Values.Sum();
        var (own, image, steps, decoder) = (0L, 0L, 1, 0L);
        var chats = family == ModelFamily.Idefics3 || family == ModelFamily.SmolVlm;
        if (chats || family == ModelFamily.VisionEncoderDecoder || family == ModelFamily.Florence2 || family == ModelFamily.Blip)
        {
            (own, image) = chats ? (ChatEstimate.CacheValues(config, tokens), 0L) : family == ModelFamily.Florence2
                ? Florence2Estimate.CacheValues(
                    BartConfig.ReadFlorence2(config), Florence2Estimate.Tokens(DavitConfig.Read(config, PreprocessorConfig.Load(folder).Resize)))
                : WorkEstimate.CacheValues(Captioner(family, config));
            steps = tokens;
            decoder = weights.Where(static graph => graph.Key.Contains("decoder", StringComparison.Ordinal)).Select(static graph => graph.Value).DefaultIfEmpty(0).Max();
        }

        return [.. Batches.Select(batch => new MemoryFacts(
            batch, all, batch * (own + image) * sizeof(float),
            ((all + ((steps - 1) * decoder)) / batch) + (steps * (image + (own / 2)) * sizeof(float))))];
    }

    private static IReadOnlyList<OptimizationOffer> Offers(ModelFamily family) => [.. GraphTargets.Of(family).SelectMany(static entry =>
        entry.Target.Precisions.Select(precision => new ConversionOptions(entry.Kind, precision)).Select(options => new OptimizationOffer(
            options.TargetName, options.PrecisionName, entry.Target.Layout, entry.Target.Done(entry.Family, options.Precision))))];
}
