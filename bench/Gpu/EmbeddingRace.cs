using System.Numerics.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Bench.Gpu;

/// <summary>An image tower: images a second at several batch sizes, and embeddings against 32-bit floats.</summary>
internal sealed class EmbeddingRace(GpuPlan plan, string folder, ReferencePeer? reference, Report report)
{
    private const int Images = 256;
    private const int Checked = 64;
    private const double LeastCosine = 0.999;

    private readonly PreparedPixels[] _images = SyntheticImages.Make(Images);
    private readonly string _name = Path.GetFileName(folder);

    private double Wanted => _name.Contains("large", StringComparison.Ordinal) ? 1.1 : 1.6;

    /// <summary>Runs all of it; false if a figure is not as it must be.</summary>
    public bool Run()
    {
        using var engine = CudaEmbeddingEngine.Load(FullSizeModels.Embedder(folder, ElementType.Float16), plan.Settings);
        report.Line($"## {_name}, image tower, fp16");
        report.Line(GpuTables.Sizes(engine.Sizes));
        var good = !plan.Check || Check(engine);
        var race = new Race(plan.Rounds, reference);
        foreach (var batch in plan.Batches)
            race.Add($"images, batch {batch}", batch, batch == 1 ? 1 : plan.Settings.Lanes, () => Embed(engine, batch), Request(batch, Images), batch == 1 ? 200 : Math.Max(16, 32768 / batch));
        race.Run();
        report.Line(race.Table());
        if (reference is null)
            return good;
        var at = race.Entries.FirstOrDefault(entry => entry.Batch == 256)?.Ratio;
        report.Line(FormattableString.Invariant($"Batch 256, images a second over the reference's: {at:0.00} (must be {Wanted}): {(at >= Wanted ? "reached" : "NOT reached")}"));
        return good && at >= Wanted;
    }

    private bool Check(CudaEmbeddingEngine engine)
    {
        using var exact = CudaEmbeddingEngine.Load(
            FullSizeModels.Embedder(folder, ElementType.Float), plan.Settings with { MaxBatch = Checked, Lanes = 1, RecordedBatches = [Checked] });
        var ours = Embeddings(engine);
        var full = Embeddings(exact);
        var least = ours.Zip(full, Cosine).Min();
        report.Line(FormattableString.Invariant($"Embeddings of {Checked} images, fp16 against fp32: cosine at least {least:0.000000}; of two images: {Cosine(full[0], full[1]):0.000}."));
        var good = least >= LeastCosine;
        var path = Path.Combine(Path.GetTempPath(), "vl-bench-check.bin");
        SyntheticImages.Save(_images.Take(Checked), path);
        if (reference?.Result(new { model = _name, batch = Checked, pixels = path, count = Checked, precision = "fp32", result = true }) is { } theirs)
        {
            var agreement = full.Zip(theirs, (one, other) => Cosine(one, [.. other.Select(value => (float)value)])).Min();
            report.Line(FormattableString.Invariant($"Ours fp32 against the reference's fp32: cosine at least {agreement:0.0000000}."));
            good &= agreement >= 0.9999;
        }

        return good;
    }

    private float[][] Embeddings(CudaEmbeddingEngine engine)
    {
        var found = new float[Checked][];
        engine.EncodeImages(_images.AsSpan(0, Checked), (values, size) =>
        {
            for (var i = 0; i < Checked; i++)
                found[i] = values.Slice(i * size, size).ToArray();
        }, CancellationToken.None);
        return found;
    }

    private static double Cosine(float[] one, float[] other) => TensorPrimitives.CosineSimilarity(one, other);

    private void Embed(CudaEmbeddingEngine engine, int batch)
    {
        var images = new PreparedPixels[batch];
        for (var i = 0; i < batch; i++)
            images[i] = _images[i % Images];
        engine.EncodeImages(images, (_, _) => { }, CancellationToken.None);
    }

    private object Request(int batch, int count)
    {
        var path = Path.Combine(Path.GetTempPath(), "vl-bench-pixels.bin");
        if (!File.Exists(path))
            SyntheticImages.Save(_images, path);
        return new { model = _name, batch, pixels = path, count, runs = 10 };
    }
}
