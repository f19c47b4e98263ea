using VlWorker.Contracts;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>Effective parameters of one row's generation, with transformers' generate() semantics.</summary>
/// <param name="MaxLength">Tokens at most, the start token included; the further tokens of a longer prompt don't count.</param>
/// <param name="MinLength">Tokens, counted in the same way, before an end token is allowed.</param>
/// <param name="NumBeams">1 is greedy search.</param>
/// <param name="LengthPenalty">Exponent on the generated length.</param>
/// <param name="EarlyStopping">When beam search ends.</param>
/// <param name="NoRepeatNgramSize">0 is off.</param>
/// <param name="RepetitionPenalty">1 is off.</param>
/// <param name="NumReturnSequences">Sequences to return.</param>
internal sealed record GenerationParameters(
    int MaxLength,
    int MinLength,
    int NumBeams,
    double LengthPenalty,
    EarlyStopping EarlyStopping,
    int NoRepeatNgramSize,
    double RepetitionPenalty,
    int NumReturnSequences)
{
    /// <summary>How tokens are drawn; null takes the best ones.</summary>
    public SamplingParameters? Sampling { get; init; }

    /// <summary>Texts that end the generation; the result's text ends before them.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Whether images are cut into tiles, where the worker's settings say otherwise than the model's files; else null.</summary>
    public bool? ImageSplitting { get; init; }

    /// <summary>Tokens to generate at most.</summary>
    public int MaxNewTokens => MaxLength - 1;

    /// <summary>Tokens to generate before an end token is allowed.</summary>
    public int MinNewTokens => MinLength - 1;

    /// <summary>The canonical text that is part of a result's id: what has no effect is left out.</summary>
    /// <param name="prompt">The prompt or the question; null where there is none.</param>
    /// <param name="more">Hashes of the images behind the first, in order.</param>
    public string Canonical(string? prompt = null, IReadOnlyList<string>? more = null) => ResultIds.Parameters(prompt,
    [
        new("maxLength", MaxLength), new("minLength", MinLength), new("numBeams", NumBeams),
        new("lengthPenalty", NumBeams > 1 ? LengthPenalty : null), new("earlyStopping", NumBeams > 1 ? EarlyStopping : null),
        new("noRepeatNgramSize", NoRepeatNgramSize), new("repetitionPenalty", RepetitionPenalty), new("numReturnSequences", NumReturnSequences),
        new("imageSplitting", ImageSplitting),
        new("temperature", Sampling?.Temperature), new("topK", Sampling?.TopK), new("topP", Sampling?.TopP), new("seed", Sampling?.Seed),
        .. (more ?? []).Select(static (hash, i) => new KeyValuePair<string, object?>($"moreImages{i}", hash)),
        .. Stop.Select(static (text, i) => new KeyValuePair<string, object?>($"stop{i}", text)),
    ]);
}
