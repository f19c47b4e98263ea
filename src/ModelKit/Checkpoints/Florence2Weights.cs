using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>Florence-2's checkpoint: DaViT and BART.</summary>
internal static class Florence2Weights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static Florence2Parameters Read(WeightTable weights, JsonFile config, ResizePlan images)
    {
        var vision = DavitConfig.Read(config, images);
        var text = BartConfig.ReadFlorence2(config);
        if (vision.Projection != text.HiddenSize)
            throw new InvalidDataException($"config.json: images become tokens of {vision.Projection} values, the text model takes {text.HiddenSize}");
        var result = new Florence2Parameters(DavitWeights.Read(weights, vision), BartWeights.Read(weights, text));
        var (width, height) = result.Vision.Grid;
        if (Math.Max(width, height) > vision.MaxPlaces)
            throw new InvalidDataException($"images of {width} x {height} tokens are larger than the {vision.MaxPlaces} places that have embeddings");
        weights.RequireAllUsed(static name => name.EndsWith("final_logits_bias", StringComparison.Ordinal)); // zeros
        return result;
    }
}
