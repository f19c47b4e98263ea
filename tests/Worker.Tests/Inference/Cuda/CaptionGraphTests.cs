using System.Runtime.InteropServices;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>
/// The captioner's graphs for CUDA give what transformers gives. The shared cache's kernel is CUDA's alone: here the same blocks run with a cache that grows.
/// </summary>
public sealed class CaptionGraphTests : IDisposable
{
    private const int Start = 50256;
    private readonly string _folder = FixtureArchive.Extract("vit-gpt2-tiny");
    private readonly GoldenCases _golden;
    private readonly VisionEncoderDecoderParameters _parameters;

    public CaptionGraphTests()
    {
        _golden = new GoldenCases(_folder);
        _parameters = (VisionEncoderDecoderParameters)ExportedModel.Read(ModelFolder.Open(_folder));
    }

    [Fact]
    public void Greedy_search_gives_the_tokens_and_scores_of_transformers()
    {
        GoldenCaption[] cases = [.. _golden.Captions.Where(caption => caption.Parameters
            is { NumBeams: 1, RepetitionPenalty: 1, NoRepeatNgramSize: 0, MinLength: <= 1 })];
        Assert.NotEmpty(cases);
        var (tokens, scores) = Caption(_parameters, [.. cases.Select(caption => caption.Image)], cases.Max(caption => caption.Tokens.Length - 1));
        for (var i = 0; i < cases.Length; i++)
        {
            var length = cases[i].Tokens.Length - 1;
            Assert.Equal(cases[i].Tokens[1..], tokens[i].Take(length).Select(token => (int)token));
            Assert.Equal(cases[i].Score, scores[i].Take(length).Average(), 1e-3);
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
        var (exact, exactScores) = Caption(Change(norm => norm with { Gamma = [0, .. norm.Gamma[1..]] }), images, 6);
        var (near, nearScores) = Caption(Change(norm => norm with { Gamma = [1e-7f, .. norm.Gamma[1..]] }), images, 6);
        for (var i = 0; i < images.Length; i++)
        {
            Assert.Equal(exact[i], near[i]);
            Assert.Equal(exactScores[i].Average(), nearScores[i].Average(), 1e-4);
        }
    }

    [Fact]
    public void A_head_that_is_not_tied_is_used()
    {
        var head = new Matrix(_parameters.Decoder.Vocabulary, _parameters.Decoder.HiddenSize, [.. _parameters.Decoder.TokenEmbedding.Values.Select(value => -value)]);
        string[] images = [.. _golden.Images.Take(1)];
        var tied = Caption(_parameters, images, 1).Tokens[0][0];
        var own = Caption(_parameters with { Decoder = _parameters.Decoder with { Head = head } }, images, 1).Tokens[0][0];
        Assert.NotEqual(tied, own);
    }

    public void Dispose() => _golden.Dispose();

    private (long[][] Tokens, float[][] Scores) Caption(VisionEncoderDecoderParameters parameters, string[] images, int steps)
    {
        var config = PreprocessorConfig.Load(_folder);
        var (rows, rowBytes) = (parameters.Encoder.Positions.Rows, parameters.Encoder.PatchProjection.Rows);
        var writer = SignedPatchWriter.For(config.Resize, rows, rowBytes);
        var pixels = new sbyte[images.Length * writer.ImageBytes];
        for (var i = 0; i < images.Length; i++)
            writer.Write(_golden.Pixels(images[i]), MemoryMarshal.AsBytes(pixels.AsSpan(i * writer.ImageBytes, writer.ImageBytes)));
        using var encoder = new GraphRun(CaptionerCudaGraphs.Encoder(parameters, config.Normalization, ElementType.Float));
        encoder.Run((VisionTower.Pixels, pixels, [images.Length, rows, rowBytes]));
        using var decoder = new GraphRun(CaptionerCudaGraphs.GreedyStep(parameters.Decoder, ElementType.Float, CacheKind.Growing));
        var tokens = images.Select(_ => new long[steps]).ToArray();
        var scores = images.Select(_ => new float[steps]).ToArray();
        var cross = parameters.Decoder.Layers.SelectMany((layer, i) => new[] { CaptionerNames.CrossKey(i), CaptionerNames.CrossValue(i) }
            .Select(name => (name, (Array)encoder.Floats[name], new long[] { images.Length, rows, layer.CrossHeads * layer.HeadSize }))).ToList();
        long[] ids = [.. Enumerable.Repeat((long)Start, images.Length)];
        for (var step = 0; step < steps; step++)
        {
            var cache = parameters.Decoder.Layers.SelectMany((layer, i) => new (string, Array, long[])[]
            {
                (CaptionerNames.PastKey(i), Past(decoder, CaptionerNames.PresentKey(i)), [images.Length, layer.Heads, step, layer.HeadSize]),
                (CaptionerNames.PastValue(i), Past(decoder, CaptionerNames.PresentValue(i)), [images.Length, layer.Heads, step, layer.HeadSize]),
            });
            decoder.Run([(CaptionerNames.Ids, ids, [images.Length, 1]), (CaptionerNames.Position, new long[] { step }, [1, 1]), .. cross, .. cache]);
            ids = decoder.Integers[CaptionerNames.NextIds];
            for (var i = 0; i < images.Length; i++)
                (tokens[i][step], scores[i][step]) = (ids[i], decoder.Floats[CaptionerNames.LogProbability][i]);
        }

        return (tokens, scores);
    }

    private static float[] Past(GraphRun decoder, string name) => decoder.Floats.TryGetValue(name, out var values) ? values : [];
}
