using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>A checkpoint of Idefics3 or SmolVLM: a SigLIP tower without its head, the connector, and a Llama.</summary>
internal static class Idefics3Weights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static Idefics3Parameters Read(WeightTable weights, ModelFamily family, JsonFile config)
    {
        var sizes = Idefics3Config.Read(config);
        var root = weights.Prefix("connector.modality_projection.proj.weight", "model.", string.Empty);
        var tower = SiglipWeights.Tower(weights, root + "vision_model.", sizes.Vision);
        var result = new Idefics3Parameters(
            family.ModelType,
            tower with { Positions = Idefics3Positions.OfSquare(tower.Positions, Idefics3Positions.FactorOf(config)) },
            sizes.Scale,
            weights.Linear(sizes.FeatureInputs, sizes.Text.HiddenSize, false, root + "connector.modality_projection.proj"),
            LlamaWeights.Read(weights, root + "text_model.", sizes.Text));
        weights.RequireAllUsed(static name => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)); // follows from config.json
        return result;
    }
}
