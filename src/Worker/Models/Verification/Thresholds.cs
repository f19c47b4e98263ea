using System.Globalization;

namespace VlWorker.Models.Verification;

/// <summary>What a candidate must reach. Only what fits the models is checked.</summary>
internal sealed record Thresholds
{
    /// <summary>Least share of equal captions; 0 asks for nothing.</summary>
    public double MinEqualCaptions { get; init; } = 0.98;

    /// <summary>Lowest cosine of two embeddings; 0 asks for nothing.</summary>
    public double MinCosine { get; init; } = 0.999;

    /// <summary>Least recall at 1 of the candidate, in both directions.</summary>
    public double? MinRecall { get; init; }

    /// <summary>Least share of the candidate's captions that equal the truth.</summary>
    public double? MinTruth { get; init; }

    /// <summary>Greatest difference of scores, or of embeddings in one dimension.</summary>
    public double? MaxDeviation { get; init; }

    /// <summary>Least ratio of the candidate's images/s to the original's.</summary>
    public double? MinSpeedUp { get; init; }

    /// <summary>Everything that is wrong with the thresholds themselves.</summary>
    public IEnumerable<string> Check()
    {
        (string Name, double? Value)[] shares =
        [
            ("--min-equal-captions", MinEqualCaptions), ("--min-cosine", MinCosine), ("--min-recall", MinRecall), ("--min-truth", MinTruth),
        ];
        foreach (var (name, value) in shares.Where(share => share.Value is { } value && !(value is >= 0 and <= 1)))
            yield return string.Create(CultureInfo.InvariantCulture, $"{name} is {value}, outside 0 to 1");
        if (MaxDeviation is { } deviation && !(deviation >= 0))
            yield return "--max-deviation is not a number of at least 0";
        if (MinSpeedUp is { } ratio && !(ratio > 0))
            yield return "--min-speedup is not above 0";
    }

    /// <summary>Holds a comparison against the thresholds.</summary>
    /// <exception cref="ModelCommandException">A threshold was given for something that could not be measured.</exception>
    public IReadOnlyList<ThresholdCheck> Judge(Findings found)
    {
        var checks = new List<ThresholdCheck>();
        if (found.Captions is { } captions)
        {
            if (MinEqualCaptions > 0)
                checks.Add(ThresholdCheck.AtLeast("equal captions", captions.EqualCaptionShare, MinEqualCaptions));
            if (MaxDeviation is { } most)
                checks.Add(ThresholdCheck.AtMost("deviation of scores", captions.MaxScoreDeviation, most));
            if (MinTruth is { } truth)
                checks.Add(ThresholdCheck.AtLeast("captions equal to the truth", Need(captions.Truth, "--min-truth").CandidateShare, truth));
        }

        foreach (var embeddings in new[] { found.Images, found.Texts }.OfType<EmbeddingComparison>())
        {
            if (MinCosine > 0)
                checks.Add(ThresholdCheck.AtLeast($"cosine of {embeddings.What}", embeddings.MinCosine, MinCosine));
            if (MaxDeviation is { } most)
                checks.Add(ThresholdCheck.AtMost($"deviation of {embeddings.What}", embeddings.MaxDeviation, most));
        }

        if (MinRecall is { } recall && found.Captions is null)
            checks.Add(ThresholdCheck.AtLeast("recall at 1", Need(found.Recall, "--min-recall").Candidate.Least, recall));
        if (MinSpeedUp is { } ratio && found.Speed is { } speed)
            checks.Add(ThresholdCheck.AtLeast("speed-up", speed.Ratio, ratio));
        return checks;
    }

    private static T Need<T>(T? value, string option)
        where T : class => value ?? throw new ModelCommandException($"{option} needs a truth.json that names the images");
}

/// <summary>A threshold and what was found.</summary>
/// <param name="What">What is measured.</param>
/// <param name="Found">The figure found.</param>
/// <param name="Bound">The figure needed.</param>
/// <param name="Least">Whether the bound is the least allowed; else it is the most.</param>
/// <param name="Good">Whether it is kept. What is not a number never is.</param>
internal sealed record ThresholdCheck(string What, double Found, double Bound, bool Least, bool Good)
{
    /// <summary>The figure must be at least the bound.</summary>
    public static ThresholdCheck AtLeast(string what, double found, double bound) => new(what, found, bound, true, found >= bound);

    /// <summary>The figure must be at most the bound.</summary>
    public static ThresholdCheck AtMost(string what, double found, double bound) => new(what, found, bound, false, found <= bound);
}
