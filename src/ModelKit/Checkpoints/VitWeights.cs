using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>ViT's tensors. Where a part has several names, the later ones are those of transformers 5.</summary>
internal static class VitWeights
{
    /// <summary>Reads the encoder of a vision-encoder-decoder.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of the wrong shape.</exception>
    public static VisionParameters Read(WeightTable weights, VisionConfig config)
    {
        var root = weights.Prefix("embeddings.cls_token", "encoder.", "encoder.vit.", "model.encoder.", "encoder.model.");
        var width = config.HiddenSize;
        var patches = root + "embeddings.patch_embeddings.projection";
        var projection = weights.Patches(config, patches);
        var stem = weights.Prefix("0.layernorm_before.weight", root + "encoder.layer.", root + "encoder.layers.", root + "layers.", root + "layer.");
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, width, config.Activation,
            projection,
            weights.Vector(width, patches + ".bias"),
            weights.Flat([width], root + "embeddings.cls_token"),
            new Matrix(1 + config.Patches, width, weights.Flat([1 + config.Patches, width], root + "embeddings.position_embeddings")),
            null,
            [.. Enumerable.Range(0, config.Layers).Select(i => Layer(weights, $"{stem}{i}.", config))],
            weights.Norm(width, config.Epsilon, root + "layernorm"),
            null);
    }

    private static EncoderLayer Layer(WeightTable weights, string at, VisionConfig config)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        Linear Attention(string old, string next) => weights.Linear(
            width, width, config.QkvBias, $"{at}attention.attention.{old}", $"{at}attention.{next}", $"{at}attention.{old}");
        return new EncoderLayer(
            weights.Norm(width, config.Epsilon, at + "layernorm_before"),
            Attention("query", "q_proj"),
            Attention("key", "k_proj"),
            Attention("value", "v_proj"),
            weights.Linear(width, width, true, at + "attention.output.dense", at + "attention.o_proj", at + "attention.out_proj"),
            weights.Norm(width, config.Epsilon, at + "layernorm_after"),
            weights.Linear(width, inner, true, at + "intermediate.dense", at + "mlp.fc1", at + "mlp.up_proj"),
            weights.Linear(inner, width, true, at + "output.dense", at + "mlp.fc2", at + "mlp.down_proj"),
            config.Heads,
            config.HeadSize);
    }
}
