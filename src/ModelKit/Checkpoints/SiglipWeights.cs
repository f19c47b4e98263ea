using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>SigLIP's tensors.</summary>
internal static class SiglipWeights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static SiglipParameters Read(WeightTable weights, JsonFile config)
    {
        var (images, texts) = (VisionConfig.ReadSiglip(config), TextConfig.ReadSiglip(config));
        var vision = weights.Prefix("embeddings.patch_embedding.weight", "vision_model.", "siglip.vision_model.", "model.vision_model.");
        var text = weights.Prefix("embeddings.token_embedding.weight", "text_model.", "siglip.text_model.", "model.text_model.");
        var head = weights.Linear(texts.HiddenSize, texts.Projection, true, text + "head");
        var result = new SiglipParameters(
            Tower(weights, vision, images), Pool(weights, vision + "head.", images), Text(weights, text, texts, head.Weight), head.Bias!);
        weights.RequireAllUsed(static name => name.EndsWith("logit_scale", StringComparison.Ordinal) // of the scores, see Similarity
            || name.EndsWith("logit_bias", StringComparison.Ordinal)
            || name.EndsWith("embeddings.position_ids", StringComparison.Ordinal)); // 0, 1, 2, ...
        return result;
    }

    /// <summary>The image tower without its head, as Idefics3 has it too.</summary>
    public static VisionParameters Tower(WeightTable weights, string root, VisionConfig config)
    {
        var width = config.HiddenSize;
        var patches = root + "embeddings.patch_embedding";
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, width, config.Activation,
            weights.Patches(config, patches),
            weights.Vector(width, patches + ".bias"),
            [],
            weights.Matrix(config.Patches, width, root + "embeddings.position_embedding.weight"),
            null,
            ClipWeights.Layers(weights, root, config.Layers, new ClipWeights.Shape(width, config.Intermediate, config.Heads, config.Epsilon)),
            weights.Norm(width, config.Epsilon, root + "post_layernorm"),
            null);
    }

    private static AttentionPool Pool(WeightTable weights, string at, VisionConfig config)
    {
        var width = config.HiddenSize;
        // torch.nn.MultiheadAttention keeps the three layers one below the other.
        var packed = new Linear(
            weights.Matrix(3 * width, width, at + "attention.in_proj_weight").Transpose(), weights.Vector(3 * width, at + "attention.in_proj_bias"));
        var probe = weights.Flat([width], at + "probe");
        return new AttentionPool(
            packed.ColumnRange(0, width).Apply(probe), packed.ColumnRange(width, width), packed.ColumnRange(2 * width, width),
            weights.Linear(width, width, true, at + "attention.out_proj"),
            weights.Norm(width, config.Epsilon, at + "layernorm"),
            weights.Linear(width, config.Intermediate, true, at + "mlp.fc1"),
            weights.Linear(config.Intermediate, width, true, at + "mlp.fc2"),
            config.Heads);
    }

    private static TextParameters Text(WeightTable weights, string root, TextConfig config, Matrix projection)
    {
        var width = config.HiddenSize;
        return new TextParameters(
            width, config.Vocabulary, config.MaxPositions, config.Activation,
            weights.Matrix(config.Vocabulary, width, root + "embeddings.token_embedding.weight"),
            weights.Matrix(config.MaxPositions, width, root + "embeddings.position_embedding.weight"),
            ClipWeights.Layers(weights, root, config.Layers, new ClipWeights.Shape(width, config.Intermediate, config.Heads, config.Epsilon)),
            weights.Norm(width, config.Epsilon, root + "final_layer_norm"),
            projection);
    }
}
