using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>SigLIP's tensors.</summary>
internal static class SiglipWeights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static SiglipParameters Read(WeightTable weights, ModelFamily family, JsonFile config)
    {
        var anyGrid = family == ModelFamily.Siglip2;
        var (images, texts) = (anyGrid ? VisionConfig.ReadSiglip2(config) : VisionConfig.ReadSiglip(config), TextConfig.ReadSiglip(config));
        var model = family.ModelType + ".";
        var vision = weights.Prefix("embeddings.patch_embedding.weight", "vision_model.", model + "vision_model.", "model.vision_model.");
        var text = weights.Prefix("embeddings.token_embedding.weight", "text_model.", model + "text_model.", "model.text_model.");
        var head = weights.Linear(texts.HiddenSize, texts.Projection, true, text + "head");
        var result = new SiglipParameters(
            Tower(weights, vision, images, anyGrid), Pool(weights, vision + "head.", images), Text(weights, text, texts, head.Weight), head.Bias!);
        weights.RequireAllUsed(static name => name.EndsWith("logit_scale", StringComparison.Ordinal) // of the scores, see Similarity
            || name.EndsWith("logit_bias", StringComparison.Ordinal)
            || name.EndsWith("embeddings.position_ids", StringComparison.Ordinal)); // 0, 1, 2, ...
        return result;
    }

    /// <summary>The image tower without its head, as Idefics3 has it too.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="root">What its tensors' names begin with.</param>
    /// <param name="config">Its sizes.</param>
    /// <param name="anyGrid">See <see cref="VisionParameters.AnyGrid"/>.</param>
    public static VisionParameters Tower(WeightTable weights, string root, VisionConfig config, bool anyGrid = false)
    {
        var width = config.HiddenSize;
        var patches = root + "embeddings.patch_embedding";
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, width, config.Activation,
            anyGrid ? FlatPatches(weights, config, patches) : weights.Patches(config, patches),
            weights.Vector(width, patches + ".bias"),
            [],
            weights.Matrix(config.Patches, width, root + "embeddings.position_embedding.weight"),
            null,
            ClipWeights.Layers(weights, root, config.Layers, new ClipWeights.Shape(width, config.Intermediate, config.Heads, config.Epsilon)),
            weights.Norm(width, config.Epsilon, root + "post_layernorm"),
            null)
        {
            AnyGrid = anyGrid,
        };
    }

    // NaFlex stores a linear layer over a patch's values in the order y, x, channel.
    private static Matrix FlatPatches(WeightTable weights, VisionConfig config, string name)
    {
        var (area, width) = (config.PatchSize * config.PatchSize, config.HiddenSize);
        var stored = weights.Matrix(width, config.PatchValues, name + ".weight").Transpose();
        var values = new float[stored.Values.Length];
        for (var row = 0; row < stored.Rows; row++)
            stored.Row((row % area * 3) + (row / area)).CopyTo(values.AsSpan(row * width));
        return new Matrix(stored.Rows, width, values);
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
