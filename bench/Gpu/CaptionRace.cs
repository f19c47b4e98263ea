using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Bench.Gpu;

/// <summary>A captioner: greedy search of 16 tokens at several batch sizes, one image, four beams.</summary>
internal sealed class CaptionRace(GpuPlan plan, string folder, ReferencePeer? reference, Report report)
{
    private const int Tokens = 16;
    private const int Images = 256;
    private const int BeamBatch = 256;
    private const double BatchRatio = 3.8;
    private const double BestRatio = 1.75;
    private const double LatencyRatio = 10;
    private const double BeamRatio = 5.5;

    private readonly PreparedPixels[] _images = SyntheticImages.Make(Images);
    private readonly string _name = Path.GetFileName(folder);

    /// <summary>Runs all of it; false if a figure is not as it must be.</summary>
    public bool Run()
    {
        using var engine = CudaCaptionEngine.Load(FullSizeModels.Captioner(folder, ElementType.Float16), plan.Settings, 1, Tokens);
        if (plan.Profile)
        {
            // The first run of beams loads their graph and chooses kernels.
            engine.Once(plan.Settings.MaxBatch, 4, 8);
            CudaProfiler.Run(() => engine.Once(plan.Settings.MaxBatch, 1, 8));
            CudaProfiler.Run(() => engine.Once(plan.Settings.MaxBatch, 4, 8));
            return true;
        }

        report.Line($"## {_name}, fp16");
        report.Line(GpuTables.Sizes(engine.Sizes));
        report.Line(CaptionRoofline.Describe(engine, Math.Min(BeamBatch, engine.MaxBatch), Tokens));
        var good = !plan.Check || new CaptionCheck(folder, _images, reference, report).Run(engine, plan.Settings, Tokens);
        var race = new Race(plan.Rounds, reference);
        foreach (var batch in plan.Batches)
        {
            race.Add($"greedy {Tokens}, batch {batch}", batch, batch == 1 ? 1 : plan.Settings.Lanes, () => Caption(engine, batch, 1), Request(batch, 1), batch == 1 ? 40 : Math.Max(8, 8192 / batch));
        }

        if (plan.Settings.MaxBatch >= BeamBatch)
            race.Add($"4 beams, {Tokens}, batch {BeamBatch}", BeamBatch, plan.Settings.Lanes, () => Caption(engine, BeamBatch, 4), Request(BeamBatch, 4), 16);
        race.Run();
        report.Line(race.Table());
        return Judge(race) && good;
    }

    /// <summary>Parameters of a search without an early end.</summary>
    public static GenerationParameters Parameters(int beams, int tokens) => new(1 + tokens, 0, beams, 1, EarlyStopping.Heuristic, 0, 1, 1);

    private void Caption(CudaCaptionEngine engine, int batch, int beams)
    {
        var images = new PreparedPixels[batch];
        for (var i = 0; i < batch; i++)
            images[i] = _images[i % Images];
        var results = new RowResult[batch];
        engine.Run(images, FullSizeModels.Requests(Parameters(beams, Tokens), batch), results, CancellationToken.None);
        if (results.Any(result => result.Error is not null))
            throw new InvalidOperationException("a row failed", results.First(result => result.Error is not null).Error);
    }

    private object Request(int batch, int beams) => new { model = _name, batch, beams, tokens = Tokens, pixels = PixelFile(), count = Images, runs = batch >= 1024 ? 2 : 3 };

    private string PixelFile()
    {
        var path = Path.Combine(Path.GetTempPath(), "vl-bench-pixels.bin");
        if (!File.Exists(path))
            SyntheticImages.Save(_images, path);
        return path;
    }

    private bool Judge(Race race)
    {
        if (reference is null)
            return true;
        var greedy = race.Entries.Where(entry => entry.Name.StartsWith("greedy", StringComparison.Ordinal) && entry.Batch > 1).ToList();
        var single = race.Entries.FirstOrDefault(entry => entry.Batch == 1);
        var beams = race.Entries.FirstOrDefault(entry => entry.Name.StartsWith('4'));
        var good = true;
        void Ask(string what, double? found, double least)
        {
            good &= found >= least;
            report.Line(FormattableString.Invariant($"{what}: {found:0.00} (must be {least}): {(found >= least ? "reached" : "NOT reached")}"));
        }

        Ask("Batch 256, images a second over the reference's", greedy.FirstOrDefault(entry => entry.Batch == 256)?.Ratio, BatchRatio);
        Ask("Best batch of each, images a second over the reference's", greedy.Max(entry => entry.PerSecond) / greedy.Max(entry => entry.ReferencePerSecond), BestRatio);
        Ask("One image, the reference's milliseconds over ours", single?.Ratio, LatencyRatio);
        Ask("Four beams at batch 256, images a second over the reference's", beams?.Ratio, BeamRatio);
        return good;
    }
}
