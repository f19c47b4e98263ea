using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>Llama's tensors.</summary>
internal static class LlamaWeights
{
    /// <summary>Reads the text model of a larger one.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="root">What stands in front of its tensors' names.</param>
    /// <param name="config">Its sizes.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or of the wrong shape.</exception>
    public static LlamaParameters Read(WeightTable weights, string root, LlamaConfig config)
    {
        var embedding = weights.Matrix(config.Vocabulary, config.HiddenSize, root + "embed_tokens.weight");
        return new LlamaParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.RotaryBase, embedding,
            [.. Enumerable.Range(0, config.Layers).Select(i => Layer(weights, $"{root}layers.{i}.", config))],
            Norm(weights, root + "norm", config),
            weights.Untied(embedding, config.TiedHead, "lm_head.weight"));
    }

    private static LlamaLayer Layer(WeightTable weights, string at, LlamaConfig config)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        var (queries, keys) = (config.Heads * config.HeadSize, config.KeyHeads * config.HeadSize);
        return new LlamaLayer(
            Norm(weights, at + "input_layernorm", config),
            weights.Linear(width, queries, config.AttentionBias, at + "self_attn.q_proj"),
            weights.Linear(width, keys, config.AttentionBias, at + "self_attn.k_proj"),
            weights.Linear(width, keys, config.AttentionBias, at + "self_attn.v_proj"),
            weights.Linear(queries, width, config.AttentionBias, at + "self_attn.o_proj"),
            Norm(weights, at + "post_attention_layernorm", config),
            weights.Linear(width, inner, config.FeedForwardBias, at + "mlp.gate_proj"),
            weights.Linear(width, inner, config.FeedForwardBias, at + "mlp.up_proj"),
            weights.Linear(inner, width, config.FeedForwardBias, at + "mlp.down_proj"),
            config.Heads, config.KeyHeads, config.HeadSize);
    }

    private static RmsNorm Norm(WeightTable weights, string name, LlamaConfig config) =>
        new(weights.Vector(config.HiddenSize, name + ".weight"), config.Epsilon);
}
