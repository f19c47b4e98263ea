using System.Globalization;

namespace VlWorker.Models.Verification;

/// <summary>Which plots a report has.</summary>
internal static class VerificationPlots
{
    private const int CosineBins = 20;
    private const int MostDistances = 12;
    private static readonly int[] RoundSteps = [1, 2, 5, 10];

    /// <summary>All plots, each an HTML figure.</summary>
    public static IEnumerable<string> Of(Findings found)
    {
        if (found.Captions is { } captions)
        {
            yield return Histogram("Edit distance of the captions in words", "images", "words to change", Distances(captions.WordDistances));
            yield return Histogram("Edit distance of the captions in characters", "images", "characters to change",
                Distances(captions.CharacterDistances));
        }

        foreach (var embeddings in new[] { found.Images, found.Texts }.OfType<EmbeddingComparison>())
            yield return Histogram($"Cosine of the two embeddings of {embeddings.What}", embeddings.What, "cosine", Cosines(embeddings.Cosines));
        if (found.Speed is { } speed)
        {
            yield return BarPlot.Write("Images a second", "medians; a dot is a round; more is better", [
                new Bar("original", speed.OriginalMedian, Number(speed.OriginalMedian), speed.Original),
                new Bar("candidate", speed.CandidateMedian, Number(speed.CandidateMedian), speed.Candidate),
            ]);
        }

        yield return Sizes("Graphs on disk", found.Original.WeightBytes, found.Candidate.WeightBytes);
        if (found.Original.ResidentBytes is { } left && found.Candidate.ResidentBytes is { } right)
            yield return Sizes("Resident memory, loaded and run", left, right);
    }

    /// <summary>A bin for each distance; the last one holds all that is farther.</summary>
    public static IReadOnlyList<Bin> Distances(IReadOnlyList<int> distances)
    {
        var last = Math.Min(MostDistances, Math.Max(distances.Max(), 1));
        return [.. Enumerable.Range(0, last + 1).Select(distance => new Bin(
            distance == last && distances.Max() > last ? $"{distance}+" : distance.ToString(CultureInfo.InvariantCulture),
            distances.Count(value => Math.Min(value, last) == distance)))];
    }

    /// <summary>Equal bins from a round number below the lowest cosine to 1; a cosine of 1 lies in the last one.</summary>
    public static IReadOnlyList<Bin> Cosines(IReadOnlyList<double> cosines)
    {
        var lowest = cosines.Where(double.IsFinite).DefaultIfEmpty(0).Min();
        var width = BinWidth(Math.Max(1 - lowest, 1e-7) / CosineBins);
        var decimals = (int)Math.Ceiling(-Math.Log10(width) - 1e-9);
        return [.. Enumerable.Range(0, CosineBins).Select(i =>
        {
            var from = 1 - ((CosineBins - i) * width);
            var to = i == CosineBins - 1 ? double.PositiveInfinity : from + width;
            return new Bin(from.ToString("F" + decimals, CultureInfo.InvariantCulture), cosines.Count(cosine => cosine >= from && cosine < to));
        })];
    }

    // 1, 2 or 5 times a power of ten.
    private static double BinWidth(double least)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return RoundSteps.Select(step => step * power).First(width => width >= least * 0.999999);
    }

    private static string Histogram(string title, string counted, string axis, IReadOnlyList<Bin> bins) =>
        HistogramPlot.Write(title, counted, axis, bins);

    private static string Sizes(string title, long left, long right) => BarPlot.Write(title, "less is better", [
        new Bar("original", left, Figures.Size(left), []), new Bar("candidate", right, Figures.Size(right), []),
    ]);

    private static string Number(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
