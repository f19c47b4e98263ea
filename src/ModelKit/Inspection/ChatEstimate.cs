using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Counts parameters and operations of Idefics3 and SmolVLM from the sizes in config.json.</summary>
internal static class ChatEstimate
{
    /// <summary>The image tower and the connector, for one frame.</summary>
    public static (long Parameters, long Flops) Vision(Idefics3Config config)
    {
        var connector = (long)config.FeatureInputs * config.Text.HiddenSize;
        var (parameters, flops) = WorkEstimate.Vision(config.Vision, false, classToken: false);
        return (parameters + connector, flops + (2 * config.Features * connector));
    }

    /// <summary>The text model, for an answer about one frame.</summary>
    /// <param name="config">The model's sizes.</param>
    /// <param name="tokens">Tokens of the answer.</param>
    public static (long Parameters, long Flops) Decoder(Idefics3Config config, int tokens) =>
        (Parameters(config.Text), Flops(config.Text, config.Features, tokens));

    /// <summary>Values of keys and values that a row keeps for each position.</summary>
    public static long CacheValues(LlamaConfig config) => 2L * config.Layers * config.KeyHeads * config.HeadSize;

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
