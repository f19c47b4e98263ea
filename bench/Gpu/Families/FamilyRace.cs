using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>One model: its tokens beside the reference's, and images a second at several batch sizes.</summary>
internal sealed class FamilyRace(FamilyCase one, string models, CudaSettings settings, int rounds, ReferencePeer reference, Report report)
{
    private const int Images = 64;
    private const int Checked = 32;
    private const int JudgedBatch = 64;
    private const double BatchRatio = 3;
    private const double LatencyRatio = 2;

    private readonly PreparedPixels[] _images = SyntheticImages.Make(Images, one.Side);

    /// <summary>Runs all of it; false if a figure is not as it must be.</summary>
    public bool Run()
    {
        var pixels = Path.Combine(Path.GetTempPath(), $"vl-bench-pixels-{one.Side}.bin");
        SyntheticImages.Save(_images, pixels);
        using var engine = one.Load(Path.Combine(models, one.Name), settings, one);
        report.Line($"## {one.Title}");
        Compare(engine, pixels);
        var race = new Race(rounds, reference);
        foreach (var batch in settings.RecordedBatches.Order())
        {
            var images = new PreparedPixels[batch];
            for (var i = 0; i < batch; i++)
                images[i] = _images[i % Images];
            race.Add($"batch {batch}", batch, batch == 1 ? 1 : settings.Lanes, () => engine.Run(images), one.Request(pixels, Images, batch), batch == 1 ? 10 : Math.Max(4, 1024 / batch));
        }

        race.Run();
        report.Line(race.Table());
        return Judge(race);
    }

    // 16-bit logits of random weights lie close together: the reference in 16 bits differs from itself in 32, too, and is shown beside.
    private void Compare(FamilyEngine engine, string pixels)
    {
        var ours = engine.Run(_images[..Checked]);
        var half = reference.Result(one.Request(pixels, Checked, Checked, result: true));
        var exact = reference.Result(one.Request(pixels, Checked, Checked, result: true, precision: "fp32"));
        if (half is null || exact is null)
            return;
        report.Line($"Tokens equal to those of the reference in 32 bits, up to a row's first difference: ours {Share(exact, row => ours[row].Tokens):0.000}, "
            + $"the reference in 16 bits {Share(exact, row => [.. half[row].Select(token => (int)token)]):0.000}; "
            + $"different answers among {Checked}: {ours.Select(found => string.Join(' ', found.Tokens)).Distinct().Count()}.");
    }

    private double Share(double[][] exact, Func<int, int[]> other) => TokenAgreement.Of(
        [.. Enumerable.Range(0, exact.Length).Select(row => other(row).TakeLast(one.Tokens).ToArray())],
        [.. exact.Select(row => row.Select(static token => (int)token).TakeLast(one.Tokens).ToArray())]).Share;

    private bool Judge(Race race)
    {
        var good = true;
        void Ask(string what, double? found, double least)
        {
            good &= found >= least;
            report.Line(FormattableString.Invariant($"{what}: {found:0.00} (must be {least}): {(found >= least ? "reached" : "NOT reached")}"));
        }

        if (race.Entries.FirstOrDefault(entry => entry.Batch == JudgedBatch) is { } judged)
            Ask($"Batch {JudgedBatch}, images a second over the reference's", judged.Ratio, BatchRatio);
        Ask("Best batch of each, images a second over the reference's", race.Entries.Max(entry => entry.PerSecond) / race.Entries.Max(entry => entry.ReferencePerSecond), BatchRatio);
        if (race.Entries.FirstOrDefault(entry => entry.Batch == 1) is { } single)
            Ask("One image, the reference's milliseconds over ours", single.Ratio, LatencyRatio);
        return good;
    }
}
