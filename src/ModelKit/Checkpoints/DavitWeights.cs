using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>The tensors of Florence-2's image tower, under the names of transformers 4.57 or of the published models.</summary>
internal static class DavitWeights
{
    /// <summary>Reads the tower and the layers behind it.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of the wrong shape.</exception>
    public static DavitParameters Read(WeightTable weights, DavitConfig config)
    {
        var tower = weights.Prefix("convs.0.norm.weight", "model.vision_tower.", "vision_tower.");
        var projector = weights.Prefix("image_proj_norm.weight", "model.multi_modal_projector.", string.Empty);
        var width = config.Stages[^1].Width;
        string[] places = [projector + "image_position_embed", projector + "image_pos_embed"];
        var times = weights.Matrix(config.MaxTimes, width, projector + "visual_temporal_embed.pos_idx_to_embed");
        return new DavitParameters(
            config.ImageWidth, config.ImageHeight, config.WindowSize, config.Activation,
            [.. config.Stages.Select((stage, i) => Stage(weights, tower, config, stage, i))],
            weights.Matrix(config.MaxPlaces, width - (width / 2), [.. places.Select(name => name + ".column_embeddings.weight")]),
            weights.Matrix(config.MaxPlaces, width / 2, [.. places.Select(name => name + ".row_embeddings.weight")]),
            times.Row(0).ToArray(),
            Projection(weights, projector, width, config.Projection),
            weights.Norm(config.Projection, DavitConfig.Epsilon, projector + "image_proj_norm"));
    }

    // The published models hold the bare matrix, [in, out].
    private static Linear Projection(WeightTable weights, string projector, int inputs, int outputs)
    {
        var bare = projector + "image_projection";
        return weights.Has(bare) ? new Linear(weights.Matrix(inputs, outputs, bare), null) : weights.Linear(inputs, outputs, false, bare);
    }

    private static DavitStage Stage(WeightTable weights, string tower, DavitConfig config, DavitStageConfig stage, int index)
    {
        var at = $"{tower}convs.{index}.";
        var patches = Convolve(weights, stage.Inputs, stage.Width, stage.PatchSize, 1, at + "conv", at + "proj");
        var norm = weights.Norm(stage.NormInFront ? stage.Inputs : stage.Width, DavitConfig.Epsilon, at + "norm");
        return new DavitStage(
            patches with { Stride = stage.Stride, Padding = stage.Padding }, stage.NormInFront, norm, stage.Heads, stage.Groups,
            [.. Enumerable.Range(0, stage.Depth).Select(i => $"{tower}blocks.{index}.{i}.").Select(block => new DavitPair(
                Block(weights, config, stage.Width, block + "spatial_block.", "window_attn"),
                Block(weights, config, stage.Width, block + "channel_block.", "channel_attn")))]);
    }

    private static DavitBlock Block(WeightTable weights, DavitConfig config, int width, string at, string attention)
    {
        var inner = (int)(width * config.InnerFactor);
        var packed = weights.Linear(width, 3 * width, config.QkvBias, $"{at}{attention}.qkv", $"{at}{attention}.fn.qkv");
        return new DavitBlock(
            Depthwise("conv1"),
            weights.Norm(width, DavitConfig.Epsilon, at + "norm1", $"{at}{attention}.norm"),
            packed.ColumnRange(0, width),
            packed.ColumnRange(width, width),
            packed.ColumnRange(2 * width, width),
            weights.Linear(width, width, true, $"{at}{attention}.proj", $"{at}{attention}.fn.proj"),
            Depthwise("conv2"),
            weights.Norm(width, DavitConfig.Epsilon, at + "norm2", at + "ffn.norm"),
            weights.Linear(width, inner, true, at + "ffn.fc1", at + "ffn.fn.net.fc1"),
            weights.Linear(inner, width, true, at + "ffn.fc2", at + "ffn.fn.net.fc2"));

        Convolution Depthwise(string name) => Convolve(weights, width, width, 3, width, at + name, $"{at}{name}.fn.dw");
    }

    // Padded so that the size stays, until the caller says otherwise.
    private static Convolution Convolve(WeightTable weights, int inputs, int outputs, int kernel, int groups, params string[] names) => new(
        weights.Flat([outputs, inputs / groups, kernel, kernel], [.. names.Select(name => name + ".weight")]),
        weights.Vector(outputs, [.. names.Select(name => name + ".bias")]), inputs, kernel, 1, kernel / 2, groups);
}
