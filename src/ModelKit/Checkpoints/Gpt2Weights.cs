using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>GPT-2's tensors, cross attention included. Its Conv1D layers are stored as [in, out] and packed.</summary>
internal static class Gpt2Weights
{
    /// <summary>Reads the decoder of a vision-encoder-decoder.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of the wrong shape.</exception>
    public static DecoderParameters Read(WeightTable weights, TextConfig config)
    {
        var root = weights.Prefix("wte.weight", "decoder.transformer.", "decoder.", "model.decoder.transformer.", "decoder.model.");
        var width = config.HiddenSize;
        var embedding = weights.Matrix(config.Vocabulary, width, root + "wte.weight");
        return new DecoderParameters(
            width, config.Vocabulary, config.MaxPositions, config.Activation, embedding,
            weights.Matrix(config.MaxPositions, width, root + "wpe.weight"),
            [.. Enumerable.Range(0, config.Layers).Select(i => Layer(weights, $"{root}h.{i}.", config, config.QueryScale(i)))],
            weights.Norm(width, config.Epsilon, root + "ln_f"),
            weights.Untied(embedding, config.TiedHead, "decoder.lm_head.weight", "lm_head.weight"));
    }

    private static DecoderLayer Layer(WeightTable weights, string at, TextConfig config, float queryScale)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        var self = weights.Conv1D(width, 3 * width, at + "attn.c_attn");
        var cross = weights.Conv1D(width, 2 * width, at + "crossattention.c_attn");
        return new DecoderLayer(
            weights.Norm(width, config.Epsilon, at + "ln_1"),
            self.ColumnRange(0, width).Scale(queryScale),
            self.ColumnRange(width, width),
            self.ColumnRange(2 * width, width),
            weights.Conv1D(width, width, at + "attn.c_proj"),
            weights.Norm(width, config.Epsilon, at + "ln_cross_attn"),
            weights.Conv1D(width, width, at + "crossattention.q_attn").Scale(queryScale),
            cross.ColumnRange(0, width),
            cross.ColumnRange(width, width),
            weights.Conv1D(width, width, at + "crossattention.c_proj"),
            weights.Norm(width, config.Epsilon, at + "ln_2"),
            weights.Conv1D(width, inner, at + "mlp.c_fc"),
            weights.Conv1D(inner, width, at + "mlp.c_proj"),
            config.Heads,
            config.Heads,
            config.HeadSize);
    }
}
