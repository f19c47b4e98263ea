using VlWorker.Models.Verification;

namespace VlWorker.Bench.Models;

/// <summary>A model's line in the table.</summary>
internal static class AccuracyRow
{
    /// <summary>The table's head.</summary>
    public static IEnumerable<string> Head(bool captions) => captions
        ?
        [
            "| model | true captions | as in fp32 | words wrong, mean | graphs | resident | images/s against fp32 |",
            "|---|---|---|---|---|---|---|",
        ]
        :
        [
            "| model | image to caption, recall at 1 / 10 | caption to image | cosine of images, lowest / mean | of captions | graphs | resident | images/s against fp32 |",
            "|---|---|---|---|---|---|---|---|",
        ];

    /// <summary>The line.</summary>
    public static string Of(string name, Findings found)
    {
        var cost = FormattableString.Invariant(
            $"{Figures.Size(found.Candidate.WeightBytes)} | {(found.Candidate.ResidentBytes is { } bytes ? Figures.Size(bytes) : "")} | {found.Speed?.Ratio:0.00}x |");
        if (found.Captions is { } captions)
        {
            return FormattableString.Invariant(
                $"| {name} | {captions.Truth!.Candidate} of {captions.Truth.Count} | {captions.EqualCaptions} of {captions.Count} | {captions.MeanWordDistance:0.00} | {cost}");
        }

        var (images, texts, recall) = (found.Images!, found.Texts!, found.Recall!.Candidate);
        return $"| {name} | {Figures.Percent(recall.ImageToText1)} / {Figures.Percent(recall.ImageToText10)} | {Figures.Percent(recall.TextToImage1)} / {Figures.Percent(recall.TextToImage10)} | "
            + FormattableString.Invariant($"{images.MinCosine:0.0000} / {images.MeanCosine:0.0000} | {texts.MinCosine:0.0000} / {texts.MeanCosine:0.0000} | {cost}");
    }
}
