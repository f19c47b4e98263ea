namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of a Llama, as LlamaConfig of transformers 4.57 or 5 names and defaults them.</summary>
/// <param name="Vocabulary">Tokens.</param>
/// <param name="MaxPositions">The longest sequence.</param>
/// <param name="HiddenSize">Width of the hidden states.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Heads">Heads of queries.</param>
/// <param name="KeyHeads">Heads of keys and values.</param>
/// <param name="HeadSize">Width of a head.</param>
/// <param name="Intermediate">Width of a block's feed-forward part.</param>
/// <param name="Epsilon">Of the norms.</param>
/// <param name="RotaryBase">Of the rotation by positions.</param>
internal sealed record LlamaConfig(
    int Vocabulary, int MaxPositions, int HiddenSize, int Layers, int Heads, int KeyHeads, int HeadSize, int Intermediate, float Epsilon, double RotaryBase)
{
    /// <summary>Whether queries, keys, values and what is behind them have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the feed-forward parts have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Whether the head is the token embedding where a checkpoint has no head.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Reads <c>text_config</c>, which must be a Llama.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static LlamaConfig Read(JsonFile config)
    {
        var section = new ConfigSection(config, "text_config");
        section.Require("model_type", "llama");
        section.Require("hidden_act", "silu");
        if (config.Find("text_config", "rope_scaling") is not null)
            throw new NotSupportedException("text_config.rope_scaling in config.json is not supported");
        var (hidden, heads) = (section.Size("hidden_size", 4096), section.Size("num_attention_heads", 32));
        var keyHeads = section.Size("num_key_value_heads", heads);
        var size = section.Size("head_dim", Math.Max(1, hidden / heads));
        if (heads % keyHeads != 0)
            throw section.Wrong("num_attention_heads", "a multiple of num_key_value_heads");
        if (size % 2 != 0)
            throw section.Wrong("head_dim", "even");
        return new LlamaConfig(
            section.Size("vocab_size", 32000), section.Size("max_position_embeddings", 2048), hidden, section.Size("num_hidden_layers", 32),
            heads, keyHeads, size, section.Size("intermediate_size", 11008), section.Positive("rms_norm_eps", 1e-6), Rotation(config, section))
        {
            AttentionBias = section.Flag("attention_bias", false),
            FeedForwardBias = section.Flag("mlp_bias", false),
            TiedHead = section.Flag("tie_word_embeddings", false) || config.Find("tie_word_embeddings") is { ValueKind: System.Text.Json.JsonValueKind.True },
        };
    }

    // transformers 5 keeps what belongs to the rotation in an object of its own.
    private static float Rotation(JsonFile config, ConfigSection section)
    {
        if (config.Find("text_config", "rope_parameters") is null)
            return section.Positive("rope_theta", 10000);
        if (config.Find("text_config", "rope_parameters", "rope_type") is { } type && !type.ValueEquals("default"))
            throw new NotSupportedException($"text_config.rope_parameters.rope_type in config.json is {type}; supported is default");
        return config.Number("text_config", "rope_parameters", "rope_theta") is { } angle && angle > 0
            ? (float)angle
            : throw section.Wrong("rope_parameters", "an object with a positive rope_theta");
    }
}
