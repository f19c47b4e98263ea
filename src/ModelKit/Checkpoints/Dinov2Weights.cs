using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>DINOv2's tensors.</summary>
internal static class Dinov2Weights
{
    /// <summary>Reads all parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static Dinov2Parameters Read(WeightTable weights, JsonFile config)
    {
        var sizes = VisionConfig.ReadDinov2(config);
        var root = weights.Prefix("embeddings.cls_token", "", "dinov2.", "model.");
        var width = sizes.HiddenSize;
        var patches = root + "embeddings.patch_embeddings.projection";
        var vision = new VisionParameters(
            sizes.ImageWidth, sizes.ImageHeight, sizes.PatchSize, width, sizes.Activation,
            weights.Patches(sizes, patches),
            weights.Vector(width, patches + ".bias"),
            weights.Flat([width], root + "embeddings.cls_token"),
            new Matrix(1 + sizes.Patches, width, weights.Flat([1 + sizes.Patches, width], root + "embeddings.position_embeddings")),
            null,
            [.. Enumerable.Range(0, sizes.Layers).Select(i => Layer(weights, $"{root}encoder.layer.{i}.", sizes))],
            weights.Norm(width, sizes.Epsilon, root + "layernorm"),
            null);
        weights.RequireAllUsed(static name => name.EndsWith("embeddings.mask_token", StringComparison.Ordinal)); // of training
        return new Dinov2Parameters(vision);
    }

    private static EncoderLayer Layer(WeightTable weights, string at, VisionConfig config)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        Linear Attention(string name) => weights.Linear(width, width, config.QkvBias, $"{at}attention.attention.{name}");
        return new EncoderLayer(
            weights.Norm(width, config.Epsilon, at + "norm1"),
            Attention("query"),
            Attention("key"),
            Attention("value"),
            weights.Linear(width, width, true, at + "attention.output.dense").Scale(weights.Vector(width, at + "layer_scale1.lambda1")),
            weights.Norm(width, config.Epsilon, at + "norm2"),
            weights.Linear(width, inner, true, at + "mlp.fc1"),
            weights.Linear(inner, width, true, at + "mlp.fc2").Scale(weights.Vector(width, at + "layer_scale2.lambda1")),
            config.Heads,
            config.HeadSize);
    }
}
