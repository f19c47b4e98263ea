using System.Numerics.Tensors;

namespace VlWorker.Models.Verification;

/// <summary>How well images and captions find each other, in both models.</summary>
/// <param name="Images">Images that search.</param>
/// <param name="Texts">Different captions that are searched, and that search.</param>
/// <param name="Original">The original's figures.</param>
/// <param name="Candidate">The candidate's figures.</param>
internal sealed record RecallComparison(int Images, int Texts, RecallFigures Original, RecallFigures Candidate);

/// <summary>Shares of searches whose answer is among the first.</summary>
/// <param name="ImageToText1">Images whose caption comes first.</param>
/// <param name="ImageToText10">Images whose caption is among the first ten.</param>
/// <param name="TextToImage1">Captions for which one of their images comes first.</param>
/// <param name="TextToImage10">Captions for which one of their images is among the first ten.</param>
internal sealed record RecallFigures(double ImageToText1, double ImageToText10, double TextToImage1, double TextToImage10)
{
    /// <summary>The lower of the two recalls at 1.</summary>
    public double Least => Math.Min(ImageToText1, TextToImage1);

    /// <summary>Ranks everything against everything.</summary>
    /// <param name="images">Embeddings of images; null for a row that failed, which is never found and finds nothing.</param>
    /// <param name="texts">Embeddings of captions, all different.</param>
    /// <param name="textOf">For each image the index of its caption.</param>
    public static RecallFigures Of(IReadOnlyList<float[]?> images, IReadOnlyList<float[]?> texts, IReadOnlyList<int> textOf)
    {
        var imageRanks = images.Select((image, i) => Rank(image, texts, index => index == textOf[i])).ToList();
        var textRanks = texts.Select((text, t) => Rank(text, images, index => textOf[index] == t)).ToList();
        return new RecallFigures(Share(imageRanks, 1), Share(imageRanks, 10), Share(textRanks, 1), Share(textRanks, 10));
    }

    // Wrong rows that are as near count as nearer, so that a model which embeds everything alike gets nothing.
    private static int Rank(float[]? query, IReadOnlyList<float[]?> rows, Func<int, bool> isRight)
    {
        if (query is null)
            return int.MaxValue;
        var nearness = rows.Select(row => row is null ? float.NegativeInfinity : TensorPrimitives.Dot<float>(query, row)).ToArray();
        var best = Enumerable.Range(0, rows.Count).Where(i => isRight(i) && rows[i] is not null)
            .Select(i => nearness[i]).DefaultIfEmpty(float.NaN).Max();
        return float.IsNaN(best) ? int.MaxValue : 1 + Enumerable.Range(0, rows.Count).Count(i => !isRight(i) && nearness[i] >= best);
    }

    private static double Share(List<int> ranks, int among) => (double)ranks.Count(rank => rank <= among) / ranks.Count;
}
