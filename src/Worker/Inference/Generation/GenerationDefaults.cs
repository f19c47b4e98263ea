using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Generation;

/// <summary>Lays a request's parameters over a model's and checks that the model can do it.</summary>
/// <param name="config">The model's defaults.</param>
/// <param name="contextLength">Positions that the decoder has.</param>
internal sealed class GenerationDefaults(GenerationConfig config, int contextLength)
{
    // Lengths are counted as after a model's own prompt, which is one token: Fit looks at a row's.
    private const int PromptLength = 1;

    /// <summary>The most that may be generated: the last token is not fed back and needs no position.</summary>
    private int MostNewTokens => contextLength - PromptLength + 1;

    /// <summary>The effective parameters.</summary>
    /// <param name="options">The request's, or null.</param>
    /// <exception cref="RejectedException">bad-request: they contradict each other or the model; every contradiction is named.</exception>
    public GenerationParameters Resolve(GenerationOptions? options)
    {
        var errors = new List<string>();
        var maximum = Maximum(options, errors);
        var minimum = (options?.MinNewTokens ?? config.MinNewTokens) is { } fresh ? PromptLength + fresh : config.MinLength;
        if (options?.MinNewTokens is { } wanted && minimum > maximum)
            errors.Add($"minNewTokens is {wanted}, but only {maximum - PromptLength} tokens may be generated");
        var sampling = Sampling(options);
        var parameters = new GenerationParameters(
            maximum,
            Math.Clamp(minimum, 0, maximum),
            options?.NumBeams ?? (sampling is null ? config.NumBeams : 1),
            options?.LengthPenalty ?? config.LengthPenalty,
            options?.EarlyStopping switch { true => EarlyStopping.Always, false => EarlyStopping.Heuristic, null => config.EarlyStopping },
            options?.NoRepeatNgramSize ?? config.NoRepeatNgramSize,
            options?.RepetitionPenalty ?? config.RepetitionPenalty,
            options?.NumReturnSequences ?? (sampling is null ? config.NumReturnSequences : 1))
        {
            Sampling = sampling,
            Stop = options?.Stop ?? [],
        };
        errors.AddRange(Check(parameters));
        return errors.Count == 0 ? parameters : throw Rejected(errors);
    }

    /// <summary>Whether a row's parameters, wherever they come from, can be run.</summary>
    /// <exception cref="RejectedException">bad-request: they can't.</exception>
    public GenerationParameters Validated(GenerationParameters? parameters)
    {
        if (parameters is null)
            throw new RejectedException(RejectionReason.BadRequest, "generation parameters are missing");
        var errors = Check(parameters).ToList();
        if (parameters.MaxLength <= PromptLength || parameters.MaxLength - PromptLength > MostNewTokens)
            errors.Add($"maxLength is outside {PromptLength + 1} to {PromptLength + MostNewTokens}");
        return errors.Count == 0 ? parameters : throw Rejected(errors);
    }

    /// <summary>A row's parameters after its own prompt: where that leaves less room in the context, less is generated.</summary>
    /// <param name="parameters">As resolved.</param>
    /// <param name="length">Tokens of the row's prompt.</param>
    /// <param name="imageTokens">Those of them that are an image's.</param>
    /// <exception cref="RejectedException">bad-request: it leaves none.</exception>
    public GenerationParameters Fit(GenerationParameters parameters, int length, int imageTokens = 0)
    {
        CheckRoom(length, imageTokens);
        var most = PromptLength + contextLength - length + 1;
        return parameters.MaxLength <= most ? parameters : parameters with { MaxLength = most, MinLength = Math.Min(parameters.MinLength, most) };
    }

    /// <summary>Checks that a prompt leaves room for a token.</summary>
    /// <param name="length">Tokens of the prompt.</param>
    /// <param name="imageTokens">Those of them that are an image's.</param>
    /// <exception cref="RejectedException">bad-request: it does not.</exception>
    public void CheckRoom(int length, int imageTokens = 0)
    {
        if (length > contextLength)
        {
            throw new RejectedException(RejectionReason.BadRequest, imageTokens == 0
                ? $"the prompt is {length} tokens long, and the model's context has {contextLength}"
                : $"the prompt has {length} tokens, {imageTokens} of them the image's: "
                    + $"the model's context of {contextLength} has no room for an answer");
        }
    }

    // Whoever sets one of its parameters wants it.
    private SamplingParameters? Sampling(GenerationOptions? options)
    {
        var wanted = options?.DoSample ?? options is { Temperature: not null } or { TopK: not null } or { TopP: not null } or { Seed: not null };
        return wanted ? new SamplingParameters(
            options!.Temperature ?? config.Temperature, options.TopK ?? config.TopK, options.TopP ?? config.TopP, options.Seed ?? 0) : null;
    }

    private int Maximum(GenerationOptions? options, List<string> errors)
    {
        if (options?.MaxNewTokens is { } wanted)
        {
            if (wanted < 1 || wanted > MostNewTokens)
                errors.Add($"maxNewTokens is {wanted}, outside 1 to {MostNewTokens}, which is what the model's context of {contextLength} tokens leaves");
            return PromptLength + wanted;
        }

        var length = config.MaxNewTokens is { } fresh ? PromptLength + fresh : config.MaxLength ?? PromptLength + GenerationConfig.DefaultNewTokens;
        return Math.Clamp(length, PromptLength + 1, PromptLength + MostNewTokens);
    }

    private static IEnumerable<string> Check(GenerationParameters parameters)
    {
        if (parameters.NumBeams is < 1 or > 64)
            yield return "numBeams is outside 1 to 64";
        if (!double.IsFinite(parameters.LengthPenalty))
            yield return "lengthPenalty is not a finite number";
        if (parameters.NoRepeatNgramSize < 0)
            yield return "noRepeatNgramSize is negative";
        if (!(parameters.RepetitionPenalty > 0) || !double.IsFinite(parameters.RepetitionPenalty))
            yield return "repetitionPenalty is not above 0";
        if (parameters.NumReturnSequences < 1 || parameters.NumReturnSequences > parameters.NumBeams)
            yield return $"numReturnSequences is outside 1 to numBeams, which is {parameters.NumBeams}";
        if (parameters is { Sampling: not null, NumBeams: > 1 })
            yield return "numBeams is above 1, and sampling takes one beam";
        if (parameters.Sampling is { } sampling && !(sampling.Temperature > 0 && sampling.TopP > 0 && sampling.TopK >= 0))
            yield return "temperature or topP is not above 0, or topK is negative";
    }

    private static RejectedException Rejected(List<string> errors) => new(RejectionReason.BadRequest, $"generation: {string.Join("; ", errors)}");
}
