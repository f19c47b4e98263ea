using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>A vision-encoder-decoder's checkpoint: a ViT and a GPT-2 under transformers' names.</summary>
internal static class VisionEncoderDecoderWeights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static VisionEncoderDecoderParameters Read(WeightTable weights, JsonFile config)
    {
        var vision = VisionConfig.ReadVit(config);
        var text = TextConfig.ReadGpt2(config);
        var result = new VisionEncoderDecoderParameters(
            VitWeights.Read(weights, vision),
            Gpt2Weights.Read(weights, text),
            vision.HiddenSize == text.HiddenSize ? null : weights.Linear(vision.HiddenSize, text.HiddenSize, true, "enc_to_dec_proj"));
        weights.RequireAllUsed(static name => name.Contains("pooler.", StringComparison.Ordinal) // ViT's pooler: the decoder sees all states
            || name.EndsWith("embeddings.mask_token", StringComparison.Ordinal) // for pre-training
            || name.EndsWith("attn.bias", StringComparison.Ordinal) || name.EndsWith("attention.bias", StringComparison.Ordinal) // causal masks
            || name.EndsWith(".masked_bias", StringComparison.Ordinal));
        return result;
    }
}
