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
        var (vision, text) = Florence2Config.Read(config, images);
        var result = new Florence2Parameters(DavitWeights.Read(weights, vision), BartWeights.Read(weights, text));
        weights.RequireAllUsed(static name => name.EndsWith("final_logits_bias", StringComparison.Ordinal)); // zeros
        return result;
    }
}
