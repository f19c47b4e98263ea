using VlWorker.Inference;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

/// <summary>Findings made by hand.</summary>
internal static class SampleReports
{
    private static readonly ModelFacts Facts = new("/models/one", "clip", "fp32", new string('a', 64), 20 << 20) { ResidentBytes = 40 << 20 };

    /// <summary>Two captions, one of which differs.</summary>
    public static Findings Captions(string image = "b.jpg", string caption = "a blue car") => new(
        Facts with { Family = "vision-encoder-decoder" }, Facts with { Folder = "/models/two", WeightBytes = 5 << 20 }, 2, [new ImageProblem("broken.jpg", "corrupt: no end")], [])
    {
        Captions = CaptionComparison.Of(
        [
            new CaptionPair("a.jpg", new GeneratedSequence([1, 2], "a red car", 0.5, 2), new GeneratedSequence([1, 2], "a red car", 0.51, 2), "a red car"),
            new CaptionPair(image, new GeneratedSequence([1, 2], "a red car", 0.5, 2), new GeneratedSequence([1, 3], caption, 0.4, 2), "a red car"),
        ]),
        Speed = new SpeedComparison(2, 8, 2, [10, 12, 11], [20, 30, 22]),
    };

    /// <summary>Two images and two texts.</summary>
    public static Findings Embeddings() => new(Facts, Facts with { Folder = "/models/two" }, 2, [], [])
    {
        Images = EmbeddingComparison.Of("images", [new EmbeddingPair("a.jpg", [1, 0], [1, 0]), new EmbeddingPair("b.jpg", [0, 1], [0.1f, 0.99f])]),
        Texts = EmbeddingComparison.Of("texts", [new EmbeddingPair("one", [1, 0], [1, 0]), new EmbeddingPair("two", [0, 1], [0, 1])]),
        Recall = new RecallComparison(2, 2, new RecallFigures(1, 1, 1, 1), new RecallFigures(1, 1, 1, 1)),
        Speed = new SpeedComparison(2, 8, 2, [10, 12, 11], [20, 30, 22]),
    };
}
