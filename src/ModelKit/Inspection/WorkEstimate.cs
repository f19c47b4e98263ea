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

    /// <summary>What a block of a decoder has more for its attention to an encoder's states: four layers with biases and a norm.</summary>
    public static long CrossParameters(long width, long statesWidth) => (2 * width * width) + (2 * statesWidth * width) + (4 * width) + (2 * width);

    /// <summary>Operations of a decoder for one answer; keys and values of the encoder's states are computed once.</summary>
    /// <param name="layers">Blocks.</param>
    /// <param name="width">Width of the decoder.</param>
    /// <param name="inner">Width of its feed-forward parts.</param>
    /// <param name="states">The encoder's states.</param>
    /// <param name="statesWidth">Their width.</param>
    /// <param name="head">Weights of the head.</param>
    /// <param name="tokens">Tokens of the answer, that is steps of the decoder.</param>
    public static long DecoderFlops(long layers, long width, long inner, long states, long statesWidth, long head, int tokens)
    {
        var once = 4 * layers * states * statesWidth * width;
        var step = layers * ((8 * width * width) + (4 * width * width) + (4 * width * inner) + (4 * states * width));
        var attended = 4 * width * layers * (tokens * (tokens + 1L) / 2);
        return once + (tokens * (step + (2 * head))) + attended;
    }

    /// <summary>An image tower.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="clip">Whether it has CLIP's two norms and no bias for patches.</param>
    /// <param name="classToken">Whether a class token stands in front of the patches.</param>
    public static (long Parameters, long Flops) Vision(VisionConfig config, bool clip, bool classToken = true)
    {
        long width = config.HiddenSize, token = classToken ? 1 : 0, length = token + config.Patches, projection = config.Projection ?? 0;
        var norms = clip ? 4 * width : 2 * width;
        var patchBias = clip ? 0 : width;
        var qkvBias = config.QkvBias ? 0 : 3 * width * config.Layers;
        var parameters = (config.PatchValues * width) + patchBias + (token * width) + (length * width) + norms + (width * projection)
            + (config.Layers * BlockParameters(width, config.Intermediate)) - qkvBias;
        var flops = (2 * config.Patches * config.PatchValues * width) + (config.Layers * BlockFlops(length, width, config.Intermediate))
            + (2 * width * projection);
        return (parameters, flops);
    }

    /// <summary>SigLIP's image tower: no class token, and an attention of one query with a feed-forward part behind it.</summary>
    public static (long Parameters, long Flops) Siglip(VisionConfig config)
    {
        long width = config.HiddenSize, length = config.Patches, inner = config.Intermediate;
        var (parameters, flops) = Vision(config, false, classToken: false);
        var pool = BlockParameters(width, inner) - (2 * width) + width; // one norm, the probe
        return (parameters + pool, flops + (4 * length * width * width) + (4 * length * width) + (4 * width * width) + (4 * width * inner));
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
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width) + bridge
            + (config.Layers * (BlockParameters(width, inner) + CrossParameters(width, width)));
        var bridged = bridge == 0 ? 0 : 2 * states * vision.HiddenSize * width;
        return (parameters, bridged + DecoderFlops(config.Layers, width, inner, states, width, width * config.Vocabulary, tokens));
    }

    /// <summary>BERT as BLIP decodes with it, for one caption; keys and values of the image are computed once.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="vision">The encoder.</param>
    /// <param name="tokens">Tokens of the caption, that is steps of the decoder.</param>
    public static (long Parameters, long Flops) Bert(TextConfig config, VisionConfig vision, int tokens) =>
        Bert(config, 1 + vision.Patches, vision.HiddenSize, tokens);

    /// <summary>The same over other states than an image's.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="states">The encoder's states.</param>
    /// <param name="statesWidth">Their width.</param>
    /// <param name="tokens">Tokens of the text, that is steps of the decoder.</param>
    public static (long Parameters, long Flops) Bert(TextConfig config, long states, long statesWidth, int tokens)
    {
        long width = config.HiddenSize, inner = config.Intermediate;
        var head = (width * width) + width + (2 * width) + ((width + 1) * config.Vocabulary);
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width) + head
            + (config.Layers * (BlockParameters(width, inner) + CrossParameters(width, statesWidth)));
        return (parameters, DecoderFlops(config.Layers, width, inner, states, statesWidth, width * (width + config.Vocabulary), tokens));
    }

    /// <summary>BERT as BLIP reads a question with it, which looks at an image's states.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="vision">The image tower.</param>
    /// <param name="length">Tokens of the question.</param>
    public static (long Parameters, long Flops) Question(TextConfig config, VisionConfig vision, long length)
    {
        long width = config.HiddenSize, states = 1 + vision.Patches;
        var parameters = ((config.Vocabulary + config.MaxPositions) * width) + (2 * width)
            + (config.Layers * (BlockParameters(width, config.Intermediate) + CrossParameters(width, vision.HiddenSize)));
        var cross = (4 * length * width * width) + (4 * states * vision.HiddenSize * width) + (4 * length * states * width);
        return (parameters, config.Layers * (BlockFlops(length, width, config.Intermediate) + cross));
    }
}
