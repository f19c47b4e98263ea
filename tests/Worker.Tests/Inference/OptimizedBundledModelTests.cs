using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>The bundled captioner in 8 bits, optimised for the CPU.</summary>
public sealed class OptimizedBundledModelTests : IClassFixture<BundledModels>, IDisposable
{
    private readonly BundledModels _models;
    private readonly string _folder;
    private readonly IModel _captioner;

    public OptimizedBundledModelTests(BundledModels models)
    {
        _models = models;
        _folder = OptimizedFolders.Cpu(Path.Combine(ModelFolders.Repository, "models", "demo-captioner"), ConversionPrecision.Int8);
        _captioner = ModelLoader.Load("captioner", _folder, new ModelOptions());
    }

    [Fact]
    public void At_least_94_of_the_96_captions_are_the_truth()
    {
        var wrong = new List<string>();
        foreach (var part in _models.Truth.Chunk(16))
        {
            var rows = part.Select(sample => _models.Row(sample.File)).ToList();
            var outcomes = _captioner.Run(rows, CancellationToken.None);
            rows.ForEach(row => row.Dispose());
            wrong.AddRange(part.Zip(outcomes, (sample, outcome) => (sample, Assert.IsType<CaptionOutcome>(outcome).Sequences[0].Text))
                .Where(pair => pair.sample.Caption != pair.Text).Select(pair => $"{pair.sample.File}: {pair.Text}"));
        }

        Assert.True(wrong.Count <= 2, string.Join('\n', wrong));
    }

    [Fact]
    public void A_steady_stream_of_batches_allocates_little()
    {
        var rows = _models.Truth.Take(16).Select(sample => _models.Row(sample.File)).ToList();
        long Run()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            _captioner.Run(rows, CancellationToken.None);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run();
        var perImage = Enumerable.Range(0, 3).Min(_ => Run()) / rows.Count;
        rows.ForEach(row => row.Dispose());
        Assert.InRange(perImage, 1, 6 * 1024);
    }

    public void Dispose()
    {
        _captioner.Dispose();
        Directory.Delete(_folder, true);
    }
}
