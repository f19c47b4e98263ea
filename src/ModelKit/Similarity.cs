using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit;

/// <summary>How the cosine of an image's and a text's embedding becomes a score: function(Scale * cosine + Bias).</summary>
/// <param name="Function"><c>softmax</c> over all texts, or <c>sigmoid</c> of each.</param>
/// <param name="Scale">The exponential of the learned <c>logit_scale</c>.</param>
/// <param name="Bias">The learned <c>logit_bias</c>; 0 where the family has none.</param>
/// <remarks>
/// Exported graphs lack both numbers. They stand in the checkpoint, in the manifest of a folder that was made of one, or in
/// <c>logit_scale</c> and <c>logit_bias</c> of config.json, where whoever exports without the checkpoint may put them.
/// </remarks>
public sealed record Similarity(string Function, double Scale, double Bias)
{
    private const string ScaleName = "logit_scale";
    private const string BiasName = "logit_bias";

    /// <summary>Finds the numbers of an open folder; null where nothing holds them or the family has none.</summary>
    public static Similarity? Of(ModelFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return folder.Manifest is { } manifest ? manifest.Similarity : Find(folder.Path, folder.Family, folder.Config);
    }

    /// <summary>Finds the numbers in a folder's checkpoint or config.json; null where neither holds them or the family has none.</summary>
    internal static Similarity? Find(string path, ModelFamily family, JsonFile config)
    {
        if (family.SimilarityFunction is not { } function || (FromCheckpoint(path) ?? FromConfig(config)) is not var (scale, bias))
            return null;
        if (function == "sigmoid" && bias is null)
            return null;
        return double.IsFinite(Math.Exp(scale)) && double.IsFinite(bias ?? 0) ? new Similarity(function, Math.Exp(scale), bias ?? 0) : null;
    }

    // The graphs run without a checkpoint: one that is damaged or only half there is none.
    private static (double Scale, double? Bias)? FromCheckpoint(string folder)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(folder);
            return Number(checkpoint, ScaleName) is { } scale ? (scale, Number(checkpoint, BiasName)) : null;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static double? Number(Checkpoint checkpoint, string name) =>
        checkpoint.Names.FirstOrDefault(known => known == name || known.EndsWith("." + name, StringComparison.Ordinal)) is { } found
        && checkpoint.ReadFloats(found) is [var number] ? number : null;

    private static (double Scale, double? Bias)? FromConfig(JsonFile config) =>
        config.Number(ScaleName) is { } scale ? (scale, config.Number(BiasName)) : null;
}
