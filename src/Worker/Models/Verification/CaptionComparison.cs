using VlWorker.Inference;

namespace VlWorker.Models.Verification;

/// <summary>What became of the captions.</summary>
/// <param name="Count">Images that the original captioned.</param>
/// <param name="EqualTokens">Of these, images with equal token ids.</param>
/// <param name="EqualCaptions">Of these, images with equal texts.</param>
/// <param name="MaxScoreDeviation">The greatest difference of two scores of equal captions; 0 where none are equal.</param>
/// <param name="WordDistances">Edit distance of the two captions in words, for each image; of a failed row, the original's length.</param>
/// <param name="CharacterDistances">The same in characters.</param>
/// <param name="Differences">The pairs that are not equal, the most different ones first.</param>
/// <param name="Truth">Both models against truth.json; null where it names none of the images.</param>
internal sealed record CaptionComparison(
    int Count,
    int EqualTokens,
    int EqualCaptions,
    double MaxScoreDeviation,
    IReadOnlyList<int> WordDistances,
    IReadOnlyList<int> CharacterDistances,
    IReadOnlyList<CaptionDifference> Differences,
    TruthComparison? Truth)
{
    /// <summary>Share of images with equal captions.</summary>
    public double EqualCaptionShare => (double)EqualCaptions / Count;

    /// <summary>Mean edit distance in words.</summary>
    public double MeanWordDistance => WordDistances.Average();

    /// <summary>Mean edit distance in characters.</summary>
    public double MeanCharacterDistance => CharacterDistances.Average();

    /// <summary>Compares captions pair by pair.</summary>
    /// <param name="pairs">One for each image that the original captioned, at least one.</param>
    public static CaptionComparison Of(IReadOnlyList<CaptionPair> pairs)
    {
        var words = pairs.Select(pair => EditDistance.Words(pair.Original.Text, pair.CandidateText)).ToList();
        var characters = pairs.Select(pair => EditDistance.Characters(pair.Original.Text, pair.CandidateText)).ToList();
        var equal = pairs.Where(pair => pair.Candidate is not null && pair.CandidateText == pair.Original.Text).ToList();
        var differences = pairs.Select((pair, i) => (Pair: pair, Words: words[i], Characters: characters[i]))
            .Where(row => row.Pair.Candidate is null || row.Pair.CandidateText != row.Pair.Original.Text)
            .OrderByDescending(row => row.Words).ThenByDescending(row => row.Characters).ThenBy(row => row.Pair.Image, StringComparer.Ordinal)
            .Select(row => new CaptionDifference(row.Pair.Image, row.Pair.Original.Text, row.Pair.Candidate?.Text, row.Pair.Truth, row.Words,
                row.Characters));
        return new CaptionComparison(
            pairs.Count,
            pairs.Count(pair => pair.Candidate?.TokenIds.SequenceEqual(pair.Original.TokenIds) == true),
            equal.Count,
            equal.Select(pair => Math.Abs(pair.Original.Score - pair.Candidate!.Score)).DefaultIfEmpty().Max(),
            words,
            characters,
            [.. differences],
            TruthComparison.Of([.. pairs.Where(pair => pair.Truth is not null)]));
    }
}

/// <summary>An image's captions.</summary>
/// <param name="Image">The image's path below the folder.</param>
/// <param name="Original">The original's best caption.</param>
/// <param name="Candidate">The candidate's; null if it failed.</param>
/// <param name="Truth">The caption of truth.json.</param>
internal sealed record CaptionPair(string Image, GeneratedSequence Original, GeneratedSequence? Candidate, string? Truth)
{
    /// <summary>The candidate's caption; empty if it failed.</summary>
    public string CandidateText => Candidate?.Text ?? string.Empty;
}

/// <summary>Two captions that are not equal.</summary>
internal sealed record CaptionDifference(string Image, string Original, string? Candidate, string? Truth, int WordDistance, int CharacterDistance);

/// <summary>Captions equal to the truth.</summary>
/// <param name="Count">Images with a truth.</param>
/// <param name="Original">Captions of the original that equal it.</param>
/// <param name="Candidate">Captions of the candidate that equal it.</param>
internal sealed record TruthComparison(int Count, int Original, int Candidate)
{
    /// <summary>Share of the original's captions that are the truth.</summary>
    public double OriginalShare => (double)Original / Count;

    /// <summary>Share of the candidate's captions that are the truth.</summary>
    public double CandidateShare => (double)Candidate / Count;

    /// <summary>Counts; null where nothing is to be counted.</summary>
    public static TruthComparison? Of(IReadOnlyList<CaptionPair> pairs) => pairs.Count == 0 ? null : new TruthComparison(
        pairs.Count, pairs.Count(pair => pair.Original.Text == pair.Truth), pairs.Count(pair => pair.Candidate?.Text == pair.Truth));
}
