using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>When beam search ends, as <c>early_stopping</c> of transformers.</summary>
public enum EarlyStopping
{
    /// <summary>When no running beam is expected to beat the worst finished hypothesis (false).</summary>
    Heuristic,

    /// <summary>With as many finished hypotheses as beams (true).</summary>
    Always,

    /// <summary>Only when no better hypothesis is possible (<c>"never"</c>).</summary>
    Never,
}

/// <summary>A model's defaults of generation and its special tokens.</summary>
public sealed record GenerationConfig
{
    /// <summary>The length that transformers takes where a model says nothing: 20 new tokens.</summary>
    public const int DefaultNewTokens = 20;

    // Sampling, constraints and other searches: nothing here may be ignored silently.
    private static readonly string[] Unsupported =
    [
        "suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids", "constraints", "sequence_bias", "penalty_alpha",
        "exponential_decay_length_penalty", "forced_decoder_ids", "stop_strings", "guidance_scale", "dola_layers",
    ];

    /// <summary>Tokens at most, the prompt included; null where the file gives none, or transformers' own default of 20.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Tokens to generate at most; goes before <see cref="MaxLength"/>.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Tokens, the prompt included, before an end token is allowed.</summary>
    public int MinLength { get; init; }

    /// <summary>Tokens to generate before an end token is allowed; goes before <see cref="MinLength"/>.</summary>
    public int? MinNewTokens { get; init; }

    /// <summary>Beams; 1 is greedy search.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>Exponent of the length that a hypothesis' score is divided by.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When beam search ends.</summary>
    public EarlyStopping EarlyStopping { get; init; }

    /// <summary>Token n-grams of this size occur once only; 0 is off.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Factor against tokens already generated; 1 is off.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Divides the scores where tokens are drawn.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Tokens to draw among, the likeliest; 0 is all.</summary>
    public int TopK { get; init; } = 50;

    /// <summary>Probability that the tokens to draw among have together; 1 is all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Sequences to return.</summary>
    public int NumReturnSequences { get; init; } = 1;

    /// <summary>Tokens that end a sequence; may be empty.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>The token that the decoder starts with.</summary>
    public int? StartToken { get; init; }

    /// <summary>The token that is always generated first.</summary>
    public int? ForcedFirstToken { get; init; }

    /// <summary>The token that is always generated at the maximum length.</summary>
    public int? ForcedLastToken { get; init; }

    /// <summary>
    /// Reads generation_config.json; where a folder has none, the same names in config.json and in its text model's part, as transformers does.
    /// </summary>
    /// <exception cref="ModelFolderException">A value is of the wrong kind, or asks for something that is not supported.</exception>
    public static GenerationConfig Load(ModelFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var errors = new List<string>();
        try
        {
            var source = new Source(folder.GenerationConfig, folder.Config);
            source.Refuse(Unsupported, errors);
            var config = Read(source);
            if (errors.Count == 0)
                return config;
        }
        catch (InvalidDataException error)
        {
            errors.Add(error.Message);
        }

        throw new ModelFolderException(folder.Path, errors);
    }

    /// <summary><see cref="NoRepeatNgramSize"/> of a folder that may have no graphs yet.</summary>
    /// <exception cref="InvalidDataException">It is no number, or generation_config.json can't be read.</exception>
    internal static int NgramSize(string path, JsonFile config)
    {
        var errors = new List<string>();
        var generation = JsonFile.Read(path, ModelFolder.GenerationConfigFile, errors);
        return errors.Count == 0
            ? new Source(generation, config).Int32("no_repeat_ngram_size", 0) ?? 0
            : throw new InvalidDataException(string.Join("; ", errors));
    }

    private static GenerationConfig Read(Source source) => new()
    {
        // transformers takes 20 for "not set" and then counts new tokens.
        MaxLength = source.Int32("max_length", DefaultNewTokens) is var length && length != DefaultNewTokens ? length : null,
        MaxNewTokens = source.Int32("max_new_tokens", null),
        MinLength = source.Int32("min_length", 0) ?? 0,
        MinNewTokens = source.Int32("min_new_tokens", null),
        NumBeams = source.Int32("num_beams", 1) ?? 1,
        LengthPenalty = source.Number("length_penalty", 1),
        EarlyStopping = source.EarlyStopping(),
        NoRepeatNgramSize = source.Int32("no_repeat_ngram_size", 0) ?? 0,
        RepetitionPenalty = source.Number("repetition_penalty", 1),
        Temperature = source.Number("temperature", 1),
        TopK = source.Int32("top_k", 50) ?? 50,
        TopP = source.Number("top_p", 1),
        NumReturnSequences = source.Int32("num_return_sequences", 1) ?? 1,
        EndTokens = source.Tokens("eos_token_id"),
        StartToken = source.Int32("decoder_start_token_id", null) ?? source.Int32("bos_token_id", null),
        ForcedFirstToken = source.Int32("forced_bos_token_id", null),
        ForcedLastToken = source.Int32("forced_eos_token_id", null),
    };

    /// <summary>
    /// Where the values come from: the generation file alone; without one the model's file, and its text model's part for what the
    /// top level leaves at transformers' default (old files spell all defaults out).
    /// </summary>
    private sealed class Source(JsonFile? generation, JsonFile config)
    {
        private readonly JsonFile _file = generation ?? config;
        private readonly bool _nested = generation is null;
        private readonly string _part = config.Find("decoder") is null ? "text_config" : "decoder";

        public int? Int32(string name, int? standard)
        {
            var value = _file.Int32(name) ?? standard;
            return _nested && value == standard ? _file.Int32(_part, name) ?? standard : value;
        }

        public double Number(string name, double standard)
        {
            var value = _file.Number(name) ?? standard;
            return _nested && value.Equals(standard) ? _file.Number(_part, name) ?? standard : value;
        }

        public IReadOnlyList<int> Tokens(string name) =>
            _file.Int32OrList(name) ?? (_nested ? _file.Int32OrList(_part, name) : null) ?? [];

        public EarlyStopping EarlyStopping() => Find("early_stopping") switch
        {
            null or { ValueKind: JsonValueKind.False } => Configuration.EarlyStopping.Heuristic,
            { ValueKind: JsonValueKind.True } => Configuration.EarlyStopping.Always,
            { ValueKind: JsonValueKind.String } text when text.GetString() == "never" => Configuration.EarlyStopping.Never,
            _ => throw new InvalidDataException($"early_stopping in {_file.Name} is none of false, true and \"never\""),
        };

        public void Refuse(string[] names, List<string> errors)
        {
            foreach (var name in names.Where(name => Find(name) is not null))
                errors.Add($"{name} in {_file.Name} is not supported");
            if (Find("do_sample") is { ValueKind: JsonValueKind.True })
                errors.Add($"do_sample in {_file.Name} is not supported: the same image must give the same caption");
            if (Int32("num_beam_groups", 1) is > 1)
                errors.Add($"num_beam_groups in {_file.Name} is not supported");
        }

        private JsonElement? Find(string name)
        {
            var value = _file.Find(name);
            return _nested && value is null or { ValueKind: JsonValueKind.False } ? _file.Find(_part, name) ?? value : value;
        }
    }
}
