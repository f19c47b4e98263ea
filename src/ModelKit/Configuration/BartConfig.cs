using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of Florence-2's text model, a BART: <c>text_config</c>, as BartConfig of transformers 4.57 names and defaults them.</summary>
/// <param name="Vocabulary">Tokens.</param>
/// <param name="MaxPositions">The longest sequence.</param>
/// <param name="HiddenSize">Width of the hidden states.</param>
/// <param name="EncoderLayers">Blocks of the encoder.</param>
/// <param name="EncoderHeads">Attention heads of an encoder's block.</param>
/// <param name="EncoderIntermediate">Width of an encoder's feed-forward part.</param>
/// <param name="DecoderLayers">Blocks of the decoder.</param>
/// <param name="DecoderHeads">Attention heads of a decoder's block.</param>
/// <param name="DecoderIntermediate">Width of a decoder's feed-forward part.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="ScaleEmbedding">Whether token embeddings are multiplied by the root of their width.</param>
/// <param name="TiedHead">Whether a checkpoint without a head uses the token embedding.</param>
internal sealed record BartConfig(
    int Vocabulary,
    int MaxPositions,
    int HiddenSize,
    int EncoderLayers,
    int EncoderHeads,
    int EncoderIntermediate,
    int DecoderLayers,
    int DecoderHeads,
    int DecoderIntermediate,
    Activation Activation,
    bool ScaleEmbedding,
    bool TiedHead)
{
    /// <summary>Of all norms; no config names it.</summary>
    public const float Epsilon = 1e-5f;

    /// <summary>Rows in front of the first position in BART's tables of positions.</summary>
    public const int PositionOffset = 2;

    /// <summary>What the embeddings of tokens are multiplied by.</summary>
    public float EmbeddingScale => ScaleEmbedding ? MathF.Sqrt(HiddenSize) : 1;

    /// <summary>Reads <c>text_config</c> of a Florence-2's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static BartConfig ReadFlorence2(JsonFile config)
    {
        var section = new ConfigSection(config, "text_config");
        if (section.Word("model_type", "bart") is var type and not ("bart" or "florence2_language"))
            throw new NotSupportedException($"text_config.model_type in config.json is {type}; supported are bart and florence2_language");
        var result = new BartConfig(
            section.Size("vocab_size", 51289),
            section.Size("max_position_embeddings", 1024),
            section.Size("d_model", 1024),
            section.Size("encoder_layers", 12),
            section.Size("encoder_attention_heads", 16),
            section.Size("encoder_ffn_dim", 4096),
            section.Size("decoder_layers", 12),
            section.Size("decoder_attention_heads", 16),
            section.Size("decoder_ffn_dim", 4096),
            ActivationName.Read(section, "activation_function", "gelu"),
            section.Flag("scale_embedding", false),
            section.Flag("tie_word_embeddings", true));
        return result.HiddenSize % result.EncoderHeads == 0 && result.HiddenSize % result.DecoderHeads == 0
            ? result
            : throw section.Wrong("d_model", "a multiple of the numbers of heads");
    }
}
