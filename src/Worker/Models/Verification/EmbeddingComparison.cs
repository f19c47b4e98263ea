using System.Numerics.Tensors;

namespace VlWorker.Models.Verification;

/// <summary>What became of the embeddings of one tower. Embeddings are of length 1.</summary>
/// <param name="What"><c>images</c> or <c>texts</c>.</param>
/// <param name="Count">Rows that the original embedded.</param>
/// <param name="Dimensions">Floats an embedding.</param>
/// <param name="Cosines">Cosine of a row's two embeddings; 0 for a row that the candidate failed on.</param>
/// <param name="MaxDeviation">The greatest difference in one dimension; 1 with a failed row.</param>
/// <param name="Lowest">The rows with the lowest cosines, the lowest first.</param>
internal sealed record EmbeddingComparison(
    string What, int Count, int Dimensions, IReadOnlyList<double> Cosines, double MaxDeviation, IReadOnlyList<RowCosine> Lowest)
{
    private const int LowestKept = 20;

    /// <summary>The lowest cosine.</summary>
    public double MinCosine => Cosines.Min();

    /// <summary>The mean cosine.</summary>
    public double MeanCosine => Cosines.Average();

    /// <summary>Compares embeddings row by row.</summary>
    /// <param name="what"><c>images</c> or <c>texts</c>.</param>
    /// <param name="pairs">One for each row that the original embedded.</param>
    /// <returns>Null without rows.</returns>
    /// <exception cref="ModelCommandException">The two models embed into different spaces.</exception>
    public static EmbeddingComparison? Of(string what, IReadOnlyList<EmbeddingPair> pairs)
    {
        if (pairs.Count == 0)
            return null;
        var dimensions = pairs[0].Original.Length;
        if (pairs.FirstOrDefault(pair => pair.Candidate is { } candidate && candidate.Length != pair.Original.Length) is { } strange)
        {
            throw new ModelCommandException(
                $"embeddings of {what} have {dimensions} dimensions in the original and {strange.Candidate!.Length} in the candidate");
        }

        var cosines = pairs.Select(pair => pair.Candidate is null ? 0 : Cosine(pair.Original, pair.Candidate)).ToList();
        return new EmbeddingComparison(
            what, pairs.Count, dimensions, cosines, pairs.Max(pair => pair.Candidate is null ? 1 : Deviation(pair.Original, pair.Candidate)),
            [.. pairs.Zip(cosines, (pair, cosine) => new RowCosine(pair.Name, cosine)).OrderBy(row => row.Cosine)
                .ThenBy(row => row.Name, StringComparer.Ordinal).Take(LowestKept)]);
    }

    // In double: two equal vectors have cosine 1 and not 0.99999994.
    private static double Cosine(float[] a, float[] b)
    {
        double dot = 0, left = 0, right = 0;
        for (var i = 0; i < a.Length; i++)
            (dot, left, right) = (dot + ((double)a[i] * b[i]), left + ((double)a[i] * a[i]), right + ((double)b[i] * b[i]));
        return Math.Min(1, dot / Math.Sqrt(left * right));
    }

    private static double Deviation(float[] a, float[] b)
    {
        var difference = new float[a.Length];
        TensorPrimitives.Subtract(a, b, difference);
        return Math.Abs(TensorPrimitives.MaxMagnitude<float>(difference));
    }
}

/// <summary>A row's embeddings.</summary>
/// <param name="Name">The image's path below the folder, or the text.</param>
/// <param name="Original">The original's.</param>
/// <param name="Candidate">The candidate's; null if it failed.</param>
internal sealed record EmbeddingPair(string Name, float[] Original, float[]? Candidate);

/// <summary>A row and the cosine of its two embeddings.</summary>
internal sealed record RowCosine(string Name, double Cosine);
