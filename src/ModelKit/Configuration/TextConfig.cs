using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of a text model, as GPT2Config, CLIPTextConfig and BlipTextConfig of transformers 4.57 name and default them.</summary>
/// <param name="Vocabulary">Tokens.</param>
/// <param name="MaxPositions">The longest sequence.</param>
/// <param name="HiddenSize">Width of the hidden states.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Heads">Attention heads of an unpruned block.</param>
/// <param name="Intermediate">Width of an unpruned block's feed-forward part.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="Epsilon">Of the norms.</param>
internal sealed record TextConfig(
    int Vocabulary, int MaxPositions, int HiddenSize, int Layers, int Heads, int Intermediate, Activation Activation, float Epsilon)
{
    // transformers: an eos_token_id of 2 marks the configs of before that id was put right; they pool at the highest id.
    private const int LegacyEndToken = 2;

    /// <summary>Width of a head.</summary>
    public int HeadSize => HiddenSize / Heads;

    /// <summary>Width of the embedding; 0 where there is no projection.</summary>
    public int Projection { get; init; }

    /// <summary>GPT-2: whether lm_head is the token embedding where a checkpoint has no lm_head.</summary>
    public bool TiedHead { get; init; } = true;

    /// <summary>GPT-2: whether scores are divided by the root of the head's width.</summary>
    public bool ScaleByWidth { get; init; } = true;

    /// <summary>GPT-2: whether scores are divided by the number of the block, from 1.</summary>
    public bool ScaleByLayer { get; init; }

    /// <summary>By what a block's queries are multiplied beyond 1 / sqrt(HeadSize); 1 in nearly every model.</summary>
    /// <param name="layer">The block, from 0.</param>
    public float QueryScale(int layer) => (ScaleByWidth ? 1 : MathF.Sqrt(HeadSize)) / (ScaleByLayer ? layer + 1 : 1);

    /// <summary>Reads <c>decoder</c> of a vision-encoder-decoder's config.json, which must be a GPT-2.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static TextConfig ReadGpt2(JsonFile config)
    {
        var section = new ConfigSection(config, "decoder");
        section.Require("model_type", "gpt2");
        if (!section.Flag("add_cross_attention", true))
            throw new NotSupportedException("decoder.add_cross_attention in config.json is false: such a decoder does not see the image");
        var hidden = section.Size("n_embd", section.Size("hidden_size", 768));
        return Checked(section, new TextConfig(
            section.Size("vocab_size", 50257),
            section.Size("n_positions", section.Size("max_position_embeddings", 1024)),
            hidden,
            section.Size("n_layer", section.Size("num_hidden_layers", 12)),
            section.Size("n_head", section.Size("num_attention_heads", 12)),
            section.Size("n_inner", checked(4 * hidden)),
            ActivationName.Read(section, "activation_function", "gelu_new"),
            section.Positive("layer_norm_epsilon", 1e-5))
        {
            TiedHead = section.Flag("tie_word_embeddings", true),
            ScaleByWidth = section.Flag("scale_attn_weights", true),
            ScaleByLayer = section.Flag("scale_attn_by_inverse_layer_idx", false),
        });
    }

    /// <summary>Reads <c>text_config</c> of a CLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static TextConfig ReadClip(JsonFile config)
    {
        var section = new ConfigSection(config, "text_config");
        var vocabulary = section.Size("vocab_size", 49408);
        if ((section.Integer("eos_token_id") ?? 49407) is var end && end != LegacyEndToken && end != vocabulary - 1)
            throw new NotSupportedException($"text_config.eos_token_id in config.json is {end}; supported is the highest id, {vocabulary - 1}");
        return Checked(section, new TextConfig(
            vocabulary,
            section.Size("max_position_embeddings", 77),
            section.Size("hidden_size", 512),
            section.Size("num_hidden_layers", 12),
            section.Size("num_attention_heads", 8),
            section.Size("intermediate_size", 2048),
            ActivationName.Read(section, "hidden_act", "quick_gelu"),
            section.Positive("layer_norm_eps", 1e-5))
        {
            Projection = config.Int32("projection_dim") ?? 512,
        });
    }

    /// <summary>Reads <c>text_config</c> of a SigLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static TextConfig ReadSiglip(JsonFile config)
    {
        var section = new ConfigSection(config, "text_config");
        var hidden = section.Size("hidden_size", 768);
        return Checked(section, new TextConfig(
            section.Size("vocab_size", 32000),
            section.Size("max_position_embeddings", 64),
            hidden,
            section.Size("num_hidden_layers", 12),
            section.Size("num_attention_heads", 12),
            section.Size("intermediate_size", 3072),
            ActivationName.Read(section, "hidden_act", "gelu_pytorch_tanh"),
            section.Positive("layer_norm_eps", 1e-6))
        {
            Projection = section.Size("projection_size", hidden),
        });
    }

    /// <summary>Reads <c>text_config</c> of a BLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    public static TextConfig ReadBlip(JsonFile config)
    {
        var section = new ConfigSection(config, "text_config");
        return Checked(section, new TextConfig(
            section.Size("vocab_size", 30524),
            section.Size("max_position_embeddings", 512),
            section.Size("hidden_size", 768),
            section.Size("num_hidden_layers", 12),
            section.Size("num_attention_heads", 8),
            section.Size("intermediate_size", 3072),
            ActivationName.Read(section, "hidden_act", "gelu"),
            section.Positive("layer_norm_eps", 1e-12)));
    }

    private static TextConfig Checked(ConfigSection section, TextConfig config) => config.HiddenSize % config.Heads == 0
        ? config
        : throw section.Wrong("the width of the hidden states", "a multiple of the number of heads");
}
