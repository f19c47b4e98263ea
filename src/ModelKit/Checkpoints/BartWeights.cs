using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>BART's tensors, under the names of transformers 4.57 or of the published Florence-2 models.</summary>
internal static class BartWeights
{
    /// <summary>Reads encoder, decoder and head.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of the wrong shape.</exception>
    public static BartParameters Read(WeightTable weights, BartConfig config)
    {
        var root = weights.Prefix("encoder.layernorm_embedding.weight", "model.language_model.", "language_model.model.");
        var (encoders, decoders) = (root + "encoder.embed_tokens.weight", root + "decoder.embed_tokens.weight");
        // The encoder reads with the shared table; each of the three is stored by itself where they are not tied.
        var shared = weights.Matrix(config.Vocabulary, config.HiddenSize, root + "shared.weight", encoders, decoders);
        var decoder = weights.Untied(shared, mayMiss: true, decoders) ?? shared;
        weights.Pass(config.Vocabulary, config.HiddenSize, encoders);
        var head = weights.Untied(shared, config.TiedHead, "lm_head.weight", "language_model.lm_head.weight") ?? shared;
        return new BartParameters(
            config.HiddenSize, config.Vocabulary, config.MaxPositions, config.Activation, config.EmbeddingScale,
            new BartEncoder(shared, Positions(weights, config, root + "encoder."), EmbeddingNorm(weights, config, root + "encoder."),
                [.. Enumerable.Range(0, config.EncoderLayers).Select(i => Encoder(weights, config, $"{root}encoder.layers.{i}."))]),
            new BartDecoder(decoder, Positions(weights, config, root + "decoder."), EmbeddingNorm(weights, config, root + "decoder."),
                [.. Enumerable.Range(0, config.DecoderLayers).Select(i => Decoder(weights, config, $"{root}decoder.layers.{i}."))]),
            head);
    }

    private static Matrix Positions(WeightTable weights, BartConfig config, string at)
    {
        var table = weights.Matrix(BartConfig.PositionOffset + config.MaxPositions, config.HiddenSize, at + "embed_positions.weight");
        return new Matrix(config.MaxPositions, config.HiddenSize, table.Values[(BartConfig.PositionOffset * config.HiddenSize)..]);
    }

    private static LayerNorm EmbeddingNorm(WeightTable weights, BartConfig config, string at) => Norm(weights, config, at + "layernorm_embedding");

    private static EncoderLayer Encoder(WeightTable weights, BartConfig config, string at) => new(
        Norm(weights, config, at + "self_attn_layer_norm"),
        Square(weights, config, at + "self_attn.q_proj"),
        Square(weights, config, at + "self_attn.k_proj"),
        Square(weights, config, at + "self_attn.v_proj"),
        Square(weights, config, at + "self_attn.out_proj"),
        Norm(weights, config, at + "final_layer_norm"),
        weights.Linear(config.HiddenSize, config.EncoderIntermediate, true, at + "fc1"),
        weights.Linear(config.EncoderIntermediate, config.HiddenSize, true, at + "fc2"),
        config.EncoderHeads,
        config.HiddenSize / config.EncoderHeads)
    {
        NormsBehind = true,
    };

    private static DecoderLayer Decoder(WeightTable weights, BartConfig config, string at) => new(
        Norm(weights, config, at + "self_attn_layer_norm"),
        Square(weights, config, at + "self_attn.q_proj"),
        Square(weights, config, at + "self_attn.k_proj"),
        Square(weights, config, at + "self_attn.v_proj"),
        Square(weights, config, at + "self_attn.out_proj"),
        Norm(weights, config, at + "encoder_attn_layer_norm"),
        Square(weights, config, at + "encoder_attn.q_proj"),
        Square(weights, config, at + "encoder_attn.k_proj"),
        Square(weights, config, at + "encoder_attn.v_proj"),
        Square(weights, config, at + "encoder_attn.out_proj"),
        Norm(weights, config, at + "final_layer_norm"),
        weights.Linear(config.HiddenSize, config.DecoderIntermediate, true, at + "fc1"),
        weights.Linear(config.DecoderIntermediate, config.HiddenSize, true, at + "fc2"),
        config.DecoderHeads,
        config.DecoderHeads,
        config.HiddenSize / config.DecoderHeads)
    {
        NormsBehind = true,
    };

    private static Linear Square(WeightTable weights, BartConfig config, string name) =>
        weights.Linear(config.HiddenSize, config.HiddenSize, true, name);

    private static LayerNorm Norm(WeightTable weights, BartConfig config, string name) => weights.Norm(config.HiddenSize, BartConfig.Epsilon, name);
}
