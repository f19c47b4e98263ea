namespace VlWorker.Models.Verification;

/// <summary>A line of the report: a figure of each model, or one of both.</summary>
/// <param name="What">What is measured.</param>
/// <param name="Original">The original's.</param>
/// <param name="Candidate">The candidate's, or the figure of both.</param>
internal sealed record FigureRow(string What, string Original, string Candidate);

/// <summary>The figures of a report as texts, the same on the console and in the page.</summary>
internal static class Figures
{
    /// <summary>All lines.</summary>
    public static IEnumerable<FigureRow> Rows(Findings found) =>
    [
        new("family", found.Original.Family, found.Candidate.Family),
        new("precision", found.Original.Precision, found.Candidate.Precision),
        .. found.Question is { } question ? [Both("question", question)] : Array.Empty<FigureRow>(),
        .. found.Captions is { } captions ? Captions(captions) : [],
        .. new[] { found.Images, found.Texts }.OfType<EmbeddingComparison>().SelectMany(Embeddings),
        .. found.Recall is { } recall ? Recall(recall) : [],
        .. Cost(found),
    ];

    /// <summary>A size in bytes.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => Text($"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => Text($"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => Text($"{bytes / 1024.0:0.0} KiB"),
    };

    /// <summary>A share in percent, with the digits that tell 999 of 1000 from all.</summary>
    public static string Percent(double share) => Text($"{Math.Floor(share * 10_000) / 100:0.##} %");

    /// <summary>A cosine.</summary>
    public static string Cosine(double cosine) => Text($"{Math.Floor(cosine * 1e6) / 1e6:0.000000}");

    /// <summary>A small number.</summary>
    public static string Small(double value) => value == 0 ? "0" : Text($"{value:0.0e+0}");

    /// <summary>A threshold and what was found.</summary>
    public static string Check(ThresholdCheck check) =>
        Text($"{check.Found:0.######} ({(check.Least ? "at least" : "at most")} {check.Bound:0.######})");

    private static IEnumerable<FigureRow> Captions(CaptionComparison captions)
    {
        yield return Both("equal captions", Text($"{captions.EqualCaptions} of {captions.Count} ({Percent(captions.EqualCaptionShare)})"));
        yield return Both("equal tokens", Text($"{captions.EqualTokens} of {captions.Count}"));
        yield return Both("edit distance in words, mean / most", Text($"{captions.MeanWordDistance:0.###} / {captions.WordDistances.Max()}"));
        yield return Both("edit distance in characters, mean / most",
            Text($"{captions.MeanCharacterDistance:0.###} / {captions.CharacterDistances.Max()}"));
        yield return Both("deviation of scores, most", Small(captions.MaxScoreDeviation));
        if (captions.Truth is { } truth)
            yield return new FigureRow("captions equal to the truth", Text($"{truth.Original} of {truth.Count}"),
                Text($"{truth.Candidate} of {truth.Count}"));
    }

    private static IEnumerable<FigureRow> Embeddings(EmbeddingComparison embeddings)
    {
        yield return Both($"cosine of {embeddings.Count} {embeddings.What}, lowest / mean",
            $"{Cosine(embeddings.MinCosine)} / {Cosine(embeddings.MeanCosine)}");
        yield return Both($"deviation of {embeddings.What} in one dimension, most", Small(embeddings.MaxDeviation));
    }

    private static IEnumerable<FigureRow> Recall(RecallComparison recall)
    {
        var (left, right) = (recall.Original, recall.Candidate);
        yield return new FigureRow($"recall at 1 / 10, {recall.Images} images to captions", Pair(left.ImageToText1, left.ImageToText10),
            Pair(right.ImageToText1, right.ImageToText10));
        yield return new FigureRow($"recall at 1 / 10, {recall.Texts} captions to images", Pair(left.TextToImage1, left.TextToImage10),
            Pair(right.TextToImage1, right.TextToImage10));
    }

    private static IEnumerable<FigureRow> Cost(Findings found)
    {
        if (found.Speed is { } speed)
        {
            yield return new FigureRow(
                Text($"images/s, batch {speed.Batch}, {speed.Streams} streams"),
                Text($"{speed.OriginalMedian:0.0}"),
                Text($"{speed.CandidateMedian:0.0} ({speed.Ratio:0.00}x)"));
        }

        yield return new FigureRow("graphs on disk", Size(found.Original.WeightBytes), Size(found.Candidate.WeightBytes));
        if (found.Original.ResidentBytes is { } left && found.Candidate.ResidentBytes is { } right)
            yield return new FigureRow("resident memory, loaded and run", Size(left), Size(right));
    }

    private static FigureRow Both(string what, string value) => new(what, string.Empty, value);

    private static string Pair(double first, double second) => $"{Percent(first)} / {Percent(second)}";

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
