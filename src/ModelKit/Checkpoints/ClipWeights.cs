using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>CLIP's tensors.</summary>
internal static class ClipWeights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static ClipParameters Read(WeightTable weights, JsonFile config)
    {
        var result = new ClipParameters(
            Vision(weights, VisionConfig.ReadClip(config)),
            Text(weights, TextConfig.ReadClip(config)));
        weights.RequireAllUsed(static name => name.EndsWith("logit_scale", StringComparison.Ordinal) // of training's loss
            || name.EndsWith("embeddings.position_ids", StringComparison.Ordinal)); // 0, 1, 2, ...
        return result;
    }

    private static VisionParameters Vision(WeightTable weights, VisionConfig config)
    {
        var root = weights.Prefix("embeddings.class_embedding", "vision_model.", "clip.vision_model.", "model.vision_model.", "vision_model.vision_model.");
        var width = config.HiddenSize;
        var shape = new Shape(width, config.Intermediate, config.Heads, config.Epsilon);
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, width, config.Activation,
            weights.Patches(config, root + "embeddings.patch_embedding"),
            null,
            weights.Vector(width, root + "embeddings.class_embedding"),
            weights.Matrix(1 + config.Patches, width, root + "embeddings.position_embedding.weight"),
            weights.Norm(width, config.Epsilon, root + "pre_layrnorm", root + "pre_layernorm"),
            Layers(weights, root, config.Layers, shape),
            weights.Norm(width, config.Epsilon, root + "post_layernorm"),
            weights.Linear(width, config.Projection!.Value, false, "visual_projection", "clip.visual_projection", "model.visual_projection").Weight);
    }

    private static TextParameters Text(WeightTable weights, TextConfig config)
    {
        var root = weights.Prefix(
            "embeddings.token_embedding.weight", "text_model.", "clip.text_model.", "model.text_model.", "text_model.text_model.");
        var width = config.HiddenSize;
        return new TextParameters(
            width, config.Vocabulary, config.MaxPositions, config.Activation,
            weights.Matrix(config.Vocabulary, width, root + "embeddings.token_embedding.weight"),
            weights.Matrix(config.MaxPositions, width, root + "embeddings.position_embedding.weight"),
            Layers(weights, root, config.Layers, new Shape(width, config.Intermediate, config.Heads, config.Epsilon)),
            weights.Norm(width, config.Epsilon, root + "final_layer_norm"),
            weights.Linear(width, config.Projection, false, "text_projection", "clip.text_projection", "model.text_projection").Weight);
    }

    /// <summary>The blocks of a tower, as SigLIP has them too.</summary>
    public static List<EncoderLayer> Layers(WeightTable weights, string root, int count, Shape shape)
    {
        var stem = weights.Prefix("0.layer_norm1.weight", root + "encoder.layers.", root + "layers.");
        return [.. Enumerable.Range(0, count).Select(i => Layer(weights, $"{stem}{i}.", shape))];
    }

    private static EncoderLayer Layer(WeightTable weights, string at, Shape shape)
    {
        var (width, inner, heads, epsilon) = shape;
        return new EncoderLayer(
            weights.Norm(width, epsilon, at + "layer_norm1"),
            weights.Linear(width, width, true, at + "self_attn.q_proj"),
            weights.Linear(width, width, true, at + "self_attn.k_proj"),
            weights.Linear(width, width, true, at + "self_attn.v_proj"),
            weights.Linear(width, width, true, at + "self_attn.out_proj"),
            weights.Norm(width, epsilon, at + "layer_norm2"),
            weights.Linear(width, inner, true, at + "mlp.fc1"),
            weights.Linear(inner, width, true, at + "mlp.fc2"),
            heads,
            width / heads);
    }

    /// <summary>Sizes of a block.</summary>
    public sealed record Shape(int Width, int Intermediate, int Heads, float Epsilon);
}
