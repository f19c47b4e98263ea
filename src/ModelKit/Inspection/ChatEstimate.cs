using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Counts parameters and operations of Idefics3 and SmolVLM from the sizes in config.json.</summary>
internal static class ChatEstimate
{
    /// <summary>The parts of a model.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="tokens">Tokens of an answer.</param>
    public static IReadOnlyList<PartFacts> Parts(JsonFile config, int tokens)
    {
        var (vision, text, scale) = (VisionConfig.ReadIdefics3(config), LlamaConfig.Read(config), Idefics3Config.Scale(config));
        long width = vision.HiddenSize, patches = vision.Patches, connector = width * scale * scale * text.HiddenSize;
        var tower = (vision.PatchValues * width) + width + (patches * width) + (2 * width) + connector
            + (vision.Layers * WorkEstimate.BlockParameters(width, vision.Intermediate));
        var frame = (2 * patches * vision.PatchValues * width) + (2 * (patches / (scale * scale)) * connector)
            + (vision.Layers * WorkEstimate.BlockFlops(patches, width, vision.Intermediate));
        return
        [
            new("vision", tower, frame, "a frame", true),
            new("decoder", Parameters(text), Flops(text, patches / (scale * scale), tokens), $"an answer of {tokens} tokens about one frame", true),
        ];
    }

    /// <summary>Values of keys and values that a row keeps: those of one frame's features and of an answer.</summary>
    public static long CacheValues(JsonFile config, int tokens)
    {
        var (vision, text, scale) = (VisionConfig.ReadIdefics3(config), LlamaConfig.Read(config), Idefics3Config.Scale(config));
        return 2L * text.Layers * text.KeyHeads * text.HeadSize * ((vision.Patches / (scale * scale)) + tokens);
    }

    private static long Block(LlamaConfig config)
    {
        long width = config.HiddenSize, queries = config.Heads * config.HeadSize, keys = config.KeyHeads * config.HeadSize;
        return (width * ((2 * queries) + (2 * keys))) + (3 * width * config.Intermediate);
    }

    private static long Parameters(LlamaConfig config) => ((config.TiedHead ? 1L : 2L) * config.Vocabulary * config.HiddenSize)
        + (config.Layers * (Block(config) + (2 * config.HiddenSize))) + config.HiddenSize;

    // Each position goes through the blocks once; the head sees the last one of the prompt and those of the answer.
    private static long Flops(LlamaConfig config, long prompt, int tokens)
    {
        long positions = prompt + tokens, queries = config.Heads * config.HeadSize;
        return (2 * positions * config.Layers * Block(config)) + (2 * config.Layers * queries * positions * (positions + 1))
            + (2L * tokens * config.HiddenSize * config.Vocabulary);
    }
}
