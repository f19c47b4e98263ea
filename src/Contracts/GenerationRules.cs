using System.Globalization;

namespace VlWorker.Contracts;

/// <summary>What can be said about parameters of generation without a model.</summary>
internal static class GenerationRules
{
    public static void Check(List<string> errors, GenerationOptions options)
    {
        Range(errors, "maxNewTokens", options.MaxNewTokens, 1, 1024);
        Range(errors, "minNewTokens", options.MinNewTokens, 0, 1024);
        Range(errors, "numBeams", options.NumBeams, 1, 16);
        Range(errors, "lengthPenalty", options.LengthPenalty, -10, 10);
        Range(errors, "noRepeatNgramSize", options.NoRepeatNgramSize, 0, 16);
        Range(errors, "repetitionPenalty", options.RepetitionPenalty, 0.001, 10);
        Range(errors, "temperature", options.Temperature, 0.01, 10);
        Range(errors, "topK", options.TopK, 0, 1000);
        Range(errors, "topP", options.TopP, 0.001, 1);
        Range(errors, "seed", options.Seed, 0, int.MaxValue);
        Range(errors, "numReturnSequences", options.NumReturnSequences, 1, 16);
        if (options.Stop is not null)
            Stop(errors, options.Stop);

        // Where one of the two is absent the model's default takes its place, which the worker knows and checks.
        if (options.NumReturnSequences > options.NumBeams)
            errors.Add("generation.numReturnSequences is above numBeams");
        if (options.MinNewTokens > options.MaxNewTokens)
            errors.Add("generation.minNewTokens is above maxNewTokens");
        Sampling(errors, options);
    }

    private static void Stop(List<string> errors, IReadOnlyList<string> stop)
    {
        if (stop.Count > RequestLimits.Stops)
            errors.Add("generation.stop has more than 8 entries");
        else if (stop.Any(text => string.IsNullOrEmpty(text) || text.Length > RequestLimits.StopLength))
            errors.Add("generation.stop has an entry that is empty or longer than 64 characters");
    }

    private static void Sampling(List<string> errors, GenerationOptions options)
    {
        var drawn = options.Temperature is not null || options.TopK is not null || options.TopP is not null || options.Seed is not null;
        if (options.DoSample is false && drawn)
            errors.Add("generation.doSample is false, so temperature, topK, topP and seed have no effect");
        else if ((options.DoSample is true || drawn) && options.NumBeams > 1)
            errors.Add("generation.numBeams is above 1, and sampling takes one beam");
    }

    private static void Range(List<string> errors, string name, double? value, double low, double high)
    {
        if (value is { } number && !(number >= low && number <= high))
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"generation.{name} is outside {low} to {high}"));
    }
}
