using VlWorker.Inference;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.VisionEncoderDecoder;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>
/// The captioner's graphs for CUDA give what transformers gives, see <see cref="CaptionSteps"/>.
/// </summary>
public sealed class CaptionGraphTests : IDisposable
{
    private static readonly GenerationTokens Tokens = new([50256], [50256], null, null);
    private static readonly GenerationParameters Six = new(7, 0, 1, 1, EarlyStopping.Heuristic, 0, 1, 1);
    private readonly string _folder = FixtureArchive.Extract("vit-gpt2-tiny");
    private readonly GoldenCases _golden;
    private readonly VisionEncoderDecoderParameters _parameters;

    public CaptionGraphTests()
    {
        _golden = new GoldenCases(_folder);
        _parameters = (VisionEncoderDecoderParameters)ExportedModel.Read(ModelFolder.Open(_folder));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_search_gives_the_tokens_and_scores_of_transformers(int beams)
    {
        GoldenCaption[] cases = [.. _golden.Captions.Where(
            caption => caption.Parameters.NumBeams == beams && new DeviceSearch(Tokens).Fits(new RowRequest(caption.Parameters, Tokens.Prompt)))];
        Assert.NotEmpty(cases);
        var found = Caption(_parameters, [.. cases.Select(caption => caption.Image)], i => cases[i].Parameters);
        for (var i = 0; i < cases.Length; i++)
        {
            Assert.Equal(cases[i].Tokens, found[i][0].Tokens);
            Assert.Equal(cases[i].Score, found[i][0].Score, 1e-3);
        }
    }

    [Fact]
    public void A_norm_with_a_gamma_of_zero_and_missing_biases_change_nothing_but_the_numbers()
    {
        string[] images = [.. _golden.Images];
        VisionEncoderDecoderParameters Change(Func<LayerNorm, LayerNorm> norm) => _parameters with
        {
            Encoder = _parameters.Encoder with
            {
                Layers = [.. _parameters.Encoder.Layers.Select(layer => layer with { Norm1 = norm(layer.Norm1), Key = layer.Key with { Bias = null }, Value = layer.Value with { Bias = null } })],
            },
            Decoder = _parameters.Decoder with
            {
                Layers = [.. _parameters.Decoder.Layers.Select(layer => layer with { CrossNorm = norm(layer.CrossNorm), CrossKey = layer.CrossKey with { Bias = null } })],
            },
        };
        // A gamma of zero forbids folding; one beside it that is nearly zero gives nearly the same without.
        var exact = Caption(Change(norm => norm with { Gamma = [0, .. norm.Gamma[1..]] }), images, _ => Six);
        var near = Caption(Change(norm => norm with { Gamma = [1e-7f, .. norm.Gamma[1..]] }), images, _ => Six);
        for (var i = 0; i < images.Length; i++)
        {
            Assert.Equal(exact[i][0].Tokens, near[i][0].Tokens);
            Assert.Equal(exact[i][0].Score, near[i][0].Score, 1e-4);
        }
    }

    [Fact]
    public void A_head_that_is_not_tied_is_used()
    {
        var head = new Matrix(_parameters.Decoder.Vocabulary, _parameters.Decoder.HiddenSize, [.. _parameters.Decoder.TokenEmbedding.Values.Select(value => -value)]);
        string[] images = [.. _golden.Images.Take(1)];
        var tied = Caption(_parameters, images, _ => Six)[0][0];
        var own = Caption(_parameters with { Decoder = _parameters.Decoder with { Head = head } }, images, _ => Six)[0][0];
        Assert.NotEqual(tied.Tokens[1], own.Tokens[1]);
    }

    public void Dispose() => _golden.Dispose();

    private IReadOnlyList<FoundSequence>[] Caption(VisionEncoderDecoderParameters parameters, string[] images, Func<int, GenerationParameters> wanted)
    {
        var config = PreprocessorConfig.Load(_folder);
        using var steps = new CaptionSteps(
            CudaGraphs.Encoder(parameters, config.Normalization, ElementType.Float), CudaGraphs.Decoder(parameters.Decoder), Tokens);
        steps.Encode(_golden, images, config.Resize, parameters.Encoder);
        return steps.Run([.. images.Select((_, i) => new RowRequest(wanted(i), Tokens.Prompt))]);
    }
}
