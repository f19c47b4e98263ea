using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Florence2;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>Florence-2's graphs for CUDA give what transformers gives: forced tokens and n-grams that must not repeat included.</summary>
public sealed class FlorenceGraphTests : IDisposable
{
    private readonly string _folder = FixtureArchive.Extract("florence-2");
    private readonly GoldenCases _golden;
    private readonly Florence2Parameters _parameters;
    private readonly GenerationTokens _tokens;
    private readonly Lazy<Dictionary<string, float[]>> _features;

    public FlorenceGraphTests()
    {
        _golden = new GoldenCases(_folder);
        var folder = ModelFolder.Open(_folder);
        _parameters = (Florence2Parameters)ExportedModel.Read(folder);
        var generation = GenerationConfig.Load(folder);
        _tokens = new GenerationTokens([generation.StartToken!.Value], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        _features = new(Features);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(4, 2)]
    [InlineData(3, 3)]
    public void Every_case_that_the_device_chooses_gives_the_tokens_and_scores_of_transformers(int beams, int ngrams)
    {
        var search = new DeviceSearch(_tokens, ngrams);
        GoldenCaption[] cases = [.. _golden.Captions.Where(golden => golden.Parameters.NumBeams == beams && search.Fits(Row(golden)))];
        Assert.Contains(cases, golden => golden.Parameters.NoRepeatNgramSize == ngrams);
        // Rows of one batch have prompts of one length; some of them may repeat n-grams and some may not.
        foreach (var batch in cases.GroupBy(golden => golden.InputIds.Length).Select(group => group.ToArray()))
            Check(batch, ngrams);
        Check(cases[^1..], ngrams);
    }

    [Fact]
    public void Most_cases_are_the_device_s() => Assert.InRange(
        _golden.Captions.Count(golden => new[] { 0, 2, 3 }.Any(ngrams => new DeviceSearch(_tokens, ngrams).Fits(Row(golden)))),
        _golden.Captions.Count - 1, _golden.Captions.Count);

    public void Dispose() => _golden.Dispose();

    private RowRequest Row(GoldenCaption golden) => new(golden.Parameters, _tokens.Prompt);

    private void Check(GoldenCaption[] batch, int ngrams) => PromptedSteps.Check(
        CudaGraphs.Encoder(_parameters, ElementType.Float), CudaGraphs.Decoder(_parameters.Text) with { NoRepeatNgramSize = ngrams }, _tokens, _features.Value, batch);

    private Dictionary<string, float[]> Features()
    {
        var config = PreprocessorConfig.Load(_folder);
        using var vision = new GraphRun(CudaGraphs.Vision(_parameters, config.Normalization, ElementType.Float));
        return _golden.Images.ToDictionary(name => name, name =>
        {
            var pixels = _golden.Pixels(name);
            return vision.Run((CudaDavit.Pixels, pixels.Frame(0).ToArray(), [1, pixels.Height, pixels.Width, 3])).Floats[PromptedNames.Features];
        });
    }
}
