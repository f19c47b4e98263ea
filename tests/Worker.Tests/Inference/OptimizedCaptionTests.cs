using VlWorker.Inference;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>The captioner's graphs for the CPU, in 32-bit floats: what transformers gives.</summary>
public sealed class OptimizedCaptionTests(OptimizedCaptionFixture fixture) : IClassFixture<OptimizedCaptionFixture>
{
    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden]);
    }

    [Fact]
    public void All_greedy_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams == 1)]);

    [Fact]
    public void All_beam_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams > 1)]);
}

/// <summary>The tiny captioner, optimised.</summary>
public sealed class OptimizedCaptionFixture : IDisposable
{
    private readonly CaptionFixture _exported = new();
    private readonly string _folder;

    public OptimizedCaptionFixture()
    {
        _folder = OptimizedFolders.Cpu(FixtureArchive.Extract("vit-gpt2-tiny"), CpuPrecision.Fp32);
        Model = ModelLoader.Load("tiny", _folder, new ModelOptions());
    }

    internal GoldenCases Golden => _exported.Golden;

    internal IModel Model { get; }

    internal void Check(IReadOnlyList<GoldenCaption> captions) => _exported.Check(captions, Model);

    public void Dispose()
    {
        Model.Dispose();
        _exported.Dispose();
        Directory.Delete(_folder, true);
    }
}
