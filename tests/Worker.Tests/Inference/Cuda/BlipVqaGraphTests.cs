using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.BlipVqa;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;
using Blip = VlWorker.ModelKit.Families.Blip.CudaGraphs;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The graphs for CUDA of BLIP's question answering give what transformers gives.</summary>
public sealed class BlipVqaGraphTests : IDisposable
{
    private const int Ngrams = 2;

    private readonly GoldenCases _golden = new(FixtureArchive.Extract("blip-vqa"));
    private readonly BlipVqaParameters _parameters;
    private readonly GenerationTokens _tokens;
    private readonly Lazy<Dictionary<string, float[]>> _features;

    public BlipVqaGraphTests()
    {
        var source = SourceModel.OpenCheckpoint(_golden.Folder);
        var config = BlipConfig.Read(source.Config);
        _parameters = (BlipVqaParameters)source.ReadParameters();
        _tokens = new GenerationTokens([config.StartToken], [config.EndToken], null, null);
        _features = new(Features);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_case_that_the_device_chooses_gives_the_tokens_and_scores_of_transformers_alone_and_together(int beams)
    {
        GoldenCaption[] cases = [.. _golden.Captions.Where(golden => golden.Parameters.NumBeams == beams && Fits(golden))];
        Assert.Contains(cases, golden => golden.Parameters.NoRepeatNgramSize == Ngrams);
        // Rows of one batch have questions of one length, about any images.
        GoldenCaption[][] batches = [.. cases.GroupBy(golden => golden.InputIds.Length).Select(group => group.Concat(group.Reverse()).ToArray())];
        Assert.True(batches.Length > 2);
        Assert.Equal(beams == 1, batches.Any(batch => batch.Select(golden => golden.Image).Distinct().Count() > 1));
        foreach (var batch in batches.Concat(cases.Select(golden => new[] { golden })))
        {
            PromptedSteps.Check(
                CudaGraphs.Encoder(_parameters, ElementType.Float), Blip.Decoder(_parameters.Answer) with { NoRepeatNgramSize = Ngrams }, _tokens,
                _features.Value, batch);
        }
    }

    [Fact]
    public void Cases_with_a_least_length_alone_are_the_host_s() =>
        Assert.All(_golden.Captions, golden => Assert.Equal(golden.Parameters.MinLength == 0, Fits(golden)));

    public void Dispose() => _golden.Dispose();

    private bool Fits(GoldenCaption golden) => new DeviceSearch(_tokens, Ngrams).Fits(new RowRequest(golden.Parameters, _tokens.Prompt));

    private Dictionary<string, float[]> Features()
    {
        var (config, vision) = (PreprocessorConfig.Load(_golden.Folder), _parameters.Vision);
        using var tower = new GraphRun(CudaGraphs.Vision(_parameters, config.Normalization, ElementType.Float));
        return _golden.Images.ToDictionary(name => name, name => tower
            .Run(PatchPixels.Of(_golden, [name], config.Resize, vision.Positions.Rows, vision.PatchProjection.Rows)).Floats[PromptedNames.Features]);
    }
}
