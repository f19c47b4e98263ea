using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Counts parameters and operations from the sizes in config.json, as transformers' definitions of the models have them.</summary>
internal static class WorkEstimate
{
    /// <summary>A block's parameters: attention, feed-forward part, two norms, all with biases.</summary>
    public static long BlockParameters(long width, long inner) =>
        (4 * width * width) + (4 * width) + (2 * width * inner) + inner + width + (4 * width);

    /// <summary>A block's operations for a sequence that is seen at once.</summary>
    public static long BlockFlops(long length, long width, long inner) =>
        (8 * length * width * width) + (4 * length * length * width) + (4 * length * width * inner);

    /// <summary>An image tower.</summary>
    public static (long Parameters, long Flops) Vision(VisionConfig config, bool clip)
    {
        long width = config.HiddenSize, length = 1 + config.Patches, projection = config.Projection ?? 0;
        var norms = clip ? 4 * width : 2 * width;
        var patchBias = clip ? 0 : width;
        var qkvBias = config.QkvBias ? 0 : 3 * width * config.Layers;
        var parameters = (config.PatchValues * width) + patchBias + width + (length * width) + norms + (width * projection)
            + (config.Layers * BlockParameters(width, config.Intermediate)) - qkvBias;
        var flops = (2 * config.Patches * config.PatchValues * width) + (config.Layers * BlockFlops(length, width, config.Intermediate))
            + (2 * width * projection);
        return (parameters, flops);
    }

    /// <summary>SigLIP's image tower: no class token, and an attention of one query with a feed-forward part behind it.</summary>
    public static (long Parameters, long Flops) Siglip(VisionConfig config)
    {
        long width = config.HiddenSize, length = config.Patches, inner = config.Intermediate;
        var (parameters, flops) = Vision(config, false);
        var (oneMore, pool) = (2 * width, BlockParameters(width, inner) - (2 * width) + width); // class token and its position; one norm, the probe
        flops -= config.Layers * (BlockFlops(length + 1, width, inner) - BlockFlops(length, width, inner));
        return (parameters - oneMore + pool, flops + (4 * length * width * width) + (4 * length * width) + (4 * width * width) + (4 * width * inner));
    }

    /// <summary>DINOv2: ViT with a scale for each output of each block's two parts, and the token that stands for hidden patches in training.</summary>
    public static (long Parameters, long Flops) Dinov2(VisionConfig config)
    {
        var (parameters, flops) = Vision(config, false);
        return (parameters + (2L * config.Layers * config.HiddenSize) + config.HiddenSize, flops);
    }

    /// <summary>CLIP's text tower, for its longest text.</summary>
    public static (long Parameters, long Flops) Text(TextConfig config)
    {
        long width = config.HiddenSize;
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width) + (width * config.Projection)
            + (config.Layers * BlockParameters(width, config.Intermediate));
        return (parameters, (config.Layers * BlockFlops(config.MaxPositions, width, config.Intermediate)) + (2 * width * config.Projection));
    }

    /// <summary>GPT-2 with cross attention, for one caption; keys and values of the image are computed once.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="vision">The encoder.</param>
    /// <param name="tokens">Tokens of the caption, that is steps of the decoder.</param>
    public static (long Parameters, long Flops) Decoder(TextConfig config, VisionConfig vision, int tokens)
    {
        long width = config.HiddenSize, inner = config.Intermediate, states = 1 + vision.Patches;
        var bridge = vision.HiddenSize == width ? 0 : (vision.HiddenSize * width) + width;
        var cross = (4 * width * width) + (4 * width) + (2 * width); // q_attn, c_attn, c_proj, ln_cross_attn
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width) + bridge
            + (config.Layers * (BlockParameters(width, inner) + cross));
        var once = (config.Layers * 4 * states * width * width) + (bridge == 0 ? 0 : 2 * states * vision.HiddenSize * width);
        var linear = config.Layers * ((8 * width * width) + (4 * width * width) + (4 * width * inner) + (4 * states * width));
        var attended = 4 * width * config.Layers * (tokens * (tokens + 1L) / 2);
        return (parameters, once + (tokens * (linear + (2 * width * config.Vocabulary))) + attended);
    }

    /// <summary>BERT as BLIP decodes with it, for one caption; keys and values of the image are computed once.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="vision">The encoder.</param>
    /// <param name="tokens">Tokens of the caption, that is steps of the decoder.</param>
    public static (long Parameters, long Flops) Bert(TextConfig config, VisionConfig vision, int tokens)
    {
        long width = config.HiddenSize, inner = config.Intermediate, states = 1 + vision.Patches;
        var cross = (2 * width * width) + (2 * width * vision.HiddenSize) + (4 * width) + (2 * width); // query, output; key, value; biases; norm
        var head = (width * width) + width + (2 * width) + ((width + 1) * config.Vocabulary);
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width) + head + (config.Layers * (BlockParameters(width, inner) + cross));
        var once = config.Layers * 4 * states * vision.HiddenSize * width;
        var linear = config.Layers * ((8 * width * width) + (4 * width * width) + (4 * width * inner) + (4 * states * width));
        var attended = 4 * width * config.Layers * (tokens * (tokens + 1L) / 2);
        return (parameters, once + (tokens * (linear + (2 * width * (width + config.Vocabulary)))) + attended);
    }

    /// <summary>Values of keys and values that a caption's row keeps: its own positions, and the image's.</summary>
    public static (long Own, long Image) CacheValues((VisionConfig Images, TextConfig Captions) model)
    {
        var (vision, config) = model;
        var perPosition = 2L * config.Layers * config.HiddenSize;
        return (perPosition * config.MaxPositions, perPosition * (1 + vision.Patches));
    }
}
