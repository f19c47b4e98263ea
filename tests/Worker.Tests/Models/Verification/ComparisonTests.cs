using VlWorker.Inference;
using VlWorker.Models;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

/// <summary>The figures of <see cref="CaptionComparison"/>, <see cref="EmbeddingComparison"/> and <see cref="RecallFigures"/>.</summary>
public sealed class ComparisonTests
{
    [Fact]
    public void Captions_are_counted_and_the_most_different_come_first()
    {
        var comparison = CaptionComparison.Of(
        [
            new CaptionPair("same.jpg", Caption("a red car", 0.5, 1, 2), Caption("a red car", 0.25, 1, 2), "a red car"),
            new CaptionPair("tokens.jpg", Caption("a pie", 0.5, 3, 4), Caption("a pie", 0.5, 5), null),
            new CaptionPair("near.jpg", Caption("a red car", 1, 1, 2), Caption("a blue car", 3, 1, 3), "a blue car"),
            new CaptionPair("failed.jpg", Caption("a very red car", 1, 1), null, "a very red car"),
        ]);

        Assert.Equal((4, 1, 2), (comparison.Count, comparison.EqualTokens, comparison.EqualCaptions));
        Assert.Equal(0.25, comparison.MaxScoreDeviation);
        Assert.Equal([0, 0, 1, 4], comparison.WordDistances);
        Assert.Equal(["failed.jpg", "near.jpg"], comparison.Differences.Select(row => row.Image));
        Assert.Null(comparison.Differences[0].Candidate);
        Assert.Equal(new TruthComparison(3, 2, 2), comparison.Truth);
    }

    [Fact]
    public void A_failed_row_is_not_equal_even_to_an_empty_caption()
    {
        var comparison = CaptionComparison.Of([new CaptionPair("a.jpg", Caption("", 0, 1), null, null)]);

        Assert.Equal((0, 0), (comparison.EqualTokens, comparison.EqualCaptions));
        Assert.Single(comparison.Differences);
    }

    [Fact]
    public void Embeddings_are_compared_by_cosine_and_by_dimension()
    {
        var comparison = EmbeddingComparison.Of("images",
        [
            new EmbeddingPair("same", [0.6f, 0.8f], [0.6f, 0.8f]),
            new EmbeddingPair("turned", [1, 0], [0.8f, -0.6f]),
        ])!;

        Assert.Equal([1, 0.8], comparison.Cosines.Select(cosine => Math.Round(cosine, 6)));
        Assert.Equal(0.6, comparison.MaxDeviation, 1e-6);
        Assert.Equal(["turned", "same"], comparison.Lowest.Select(row => row.Name));
        var failed = EmbeddingComparison.Of("texts", [new EmbeddingPair("gone", [1, 0], null)])!;
        Assert.Equal((0, 1), (failed.MinCosine, failed.MaxDeviation));
        Assert.Null(EmbeddingComparison.Of("texts", []));
        Assert.Throws<ModelCommandException>(() => EmbeddingComparison.Of("texts", [new EmbeddingPair("wide", [1, 0], [1])]));
    }

    [Fact]
    public void Recall_counts_what_comes_first()
    {
        // Two images share the first caption; the third image lies nearer to it than to its own.
        float[][] texts = [[1, 0], [0, 1]];
        var figures = RecallFigures.Of([[1, 0], [0.8f, 0.6f], [0.8f, 0.6f]], texts, [0, 0, 1]);

        Assert.Equal(2 / 3.0, figures.ImageToText1, 1e-9);
        Assert.Equal(1, figures.ImageToText10);
        // The second caption is as near to the second image as to its own: that does not count as found.
        Assert.Equal(0.5, figures.TextToImage1);
        Assert.Equal(0.5, figures.Least);
    }

    [Fact]
    public void A_model_that_embeds_everything_alike_finds_nothing()
    {
        var figures = RecallFigures.Of([[1, 0], [1, 0]], [[1, 0], [1, 0]], [0, 1]);

        Assert.Equal((0, 0), (figures.ImageToText1, figures.TextToImage1));
    }

    [Fact]
    public void Rows_that_failed_find_nothing_and_are_not_found()
    {
        var figures = RecallFigures.Of([null, [0, 1]], [[1, 0], [0, 1]], [0, 1]);

        Assert.Equal((0.5, 0.5, 0.5), (figures.ImageToText1, figures.TextToImage1, figures.TextToImage10));
    }

    private static GeneratedSequence Caption(string text, double score, params int[] tokens) => new(tokens, text, score, tokens.Length);
}
