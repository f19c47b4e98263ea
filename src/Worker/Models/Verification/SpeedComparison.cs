namespace VlWorker.Models.Verification;

/// <summary>Images a second of the engines alone: decoding is left out, it is the same for both.</summary>
/// <param name="Images">Different images in a round.</param>
/// <param name="Batch">Images a batch.</param>
/// <param name="Streams">Batches that run at the same time, each on one thread.</param>
/// <param name="Original">The original's images/s, a figure a round.</param>
/// <param name="Candidate">The candidate's, in the rounds that alternated with them.</param>
internal sealed record SpeedComparison(int Images, int Batch, int Streams, IReadOnlyList<double> Original, IReadOnlyList<double> Candidate)
{
    /// <summary>Median of the original's rounds.</summary>
    public double OriginalMedian => Median(Original);

    /// <summary>Median of the candidate's rounds.</summary>
    public double CandidateMedian => Median(Candidate);

    /// <summary>How many times as fast the candidate is.</summary>
    public double Ratio => CandidateMedian / OriginalMedian;

    private static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
