using System.Runtime.InteropServices;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

/// <summary>SmolVLM's graphs for CUDA give what transformers gives: in 32-bit floats on the processor, whose kernels compute the same.</summary>
public sealed class ChatGraphTests : IClassFixture<ChatFixture>, IDisposable
{
    private readonly ChatFixture _fixture;
    private readonly Idefics3Parameters _parameters;
    private readonly GenerationTokens _tokens;
    private readonly int _imageToken;
    private readonly GraphRun _vision;
    private readonly ChatGraphRun _decoder;
    private readonly Dictionary<PreparedPixels, float[]> _features = [];

    public ChatGraphTests(ChatFixture fixture)
    {
        _fixture = fixture;
        var folder = ModelFolder.Open(fixture.Folder);
        _parameters = (Idefics3Parameters)ExportedModel.Read(folder);
        _imageToken = folder.Config.Int32("image_token_id")!.Value;
        var generation = GenerationConfig.Load(folder);
        _tokens = new GenerationTokens([_imageToken], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        _vision = new GraphRun(ChatCudaGraphs.Vision(_parameters, PreprocessorConfig.Load(fixture.Folder).Normalization, ElementType.Float));
        _decoder = new ChatGraphRun(_parameters.Text);
    }

    private int TokensPerFrame => _parameters.Vision.Positions.Rows / (_parameters.Scale * _parameters.Scale);

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in _fixture.Cases)
            Check([golden]);
    }

    [Fact]
    public void Cases_of_all_lengths_in_one_batch_give_the_same()
    {
        foreach (var cases in _fixture.Cases.GroupBy(golden => golden.Caption.Parameters.NumBeams))
        {
            Check([.. cases]);
            Check([.. cases.Reverse()]);
        }
    }

    [Fact]
    public void Several_images_in_a_prompt_give_what_the_exported_graphs_give()
    {
        string[] names = ["tall.split", "scene", "gray"];
        var parameters = _fixture.Exported.Resolve(new GenerationOptions { MaxNewTokens = 8 })!;
        var row = new ImageInput(Tasks.Answer, _fixture.Images[names[0]], parameters, "Which?")
        {
            More = [.. names.Skip(1).Select(name => _fixture.Images[name])],
        };
        var expected = Assert.IsType<CaptionOutcome>(_fixture.Exported.Run([row], CancellationToken.None)[0]).Sequences[0];
        int[] prompt = [.. expected.TokenIds.Take(expected.TokenIds.Count - expected.GeneratedTokens)];

        var single = _fixture.Cases[0];
        var results = Run([Row(single), new ChatRow([.. names.Select(name => _fixture.Images[name])], new RowRequest(parameters, prompt))]);
        Assert.Equal(single.Caption.Tokens, results[0].Sequences[0].Tokens);
        Assert.Equal(expected.TokenIds, results[1].Sequences[0].Tokens);
    }

    [Theory]
    [InlineData(2, 0.75, 0.5, 0)]
    [InlineData(3, 0.75, 0.3, 2)]
    [InlineData(4, 0, 0.25, 1)]
    public void Rows_that_leave_and_join_a_running_batch_give_the_tokens_of_transformers(int places, double leave, double free, int pause)
    {
        var search = new ChatSearch(_tokens);
        var told = new Dictionary<ChatCase, int[]>();
        ChatRow Told(ChatCase golden) => Row(golden, new RowEnd(_fixture.Input(golden), result =>
        {
            told.Add(golden, result.Sequences[0].Tokens);
            return new EmbeddingOutcome([]);
        }));
        ChatCase[] cases = [.. _fixture.Cases.Where(golden => search.Fits(Row(golden).Request))];
        Assert.True(cases.Length > 2 * places && cases.DistinctBy(static golden => golden.Caption.Tokens.Length).Count() > 2);
        var rows = cases.Select(Told).ToList();
        var (device, next) = (new ChatGraphDevice(_decoder, places, _imageToken, TokensPerFrame, Features), places);

        search.Run(device, new JoinPolicy(leave, free, pause), rows[..places], new RowResult[places], most =>
        {
            var first = next;
            next = Math.Min(rows.Count, first + most);
            return rows[first..next];
        }, CancellationToken.None);

        Assert.True(device.Joins > 1);
        Assert.All(cases, golden => Assert.Equal(golden.Caption.Tokens, told[golden]));
    }

    public void Dispose()
    {
        _vision.Dispose();
        _decoder.Dispose();
    }

    private void Check(ChatCase[] cases)
    {
        var results = Run([.. cases.Select(golden => Row(golden))]);
        for (var i = 0; i < cases.Length; i++)
        {
            Assert.Null(results[i].Error);
            Assert.Equal(cases[i].Caption.Tokens, results[i].Sequences[0].Tokens);
            var expected = cases[i].Caption.Score;
            Assert.Equal(expected, results[i].Sequences[0].Score, 1e-3 * Math.Max(1, Math.Abs(expected)));
        }
    }

    private ChatRow Row(ChatCase golden, RowEnd? end = null) =>
        new([_fixture.Images[golden.Image]], new RowRequest(golden.Caption.Parameters, golden.Caption.InputIds) { End = end });

    private RowResult[] Run(ChatRow[] rows)
    {
        var inputs = new ChatInputs(rows, _imageToken, TokensPerFrame);
        float[] features = [.. inputs.Images.SelectMany(Features)];
        Assert.Equal(inputs.Features, features.Length / _parameters.Text.HiddenSize);
        RowRequest[] requests = [.. rows.Select(row => row.Request)];
        _decoder.Begin(new ChatBatch(inputs.Rows, inputs.Features), features, requests[0].Parameters.NumBeams);
        var results = new RowResult[requests.Length];
        new Generator(_tokens).Run(_decoder, HiddenStates.OfPrompts(requests.Length), requests, results, CancellationToken.None);
        return results;
    }

    private float[] Features(PreparedPixels image)
    {
        if (_features.TryGetValue(image, out var known))
            return known;
        var (rows, rowBytes) = (_parameters.Vision.Positions.Rows, _parameters.Vision.PatchProjection.Rows);
        var writer = SignedPatchWriter.For(_fixture.Exported.Images!.Resize, rows, rowBytes);
        var pixels = new sbyte[image.Frames * writer.ImageBytes];
        for (var frame = 0; frame < image.Frames; frame++)
            writer.Write(image, frame, MemoryMarshal.AsBytes(pixels.AsSpan(frame * writer.ImageBytes, writer.ImageBytes)));
        _vision.Run((VisionTower.Pixels, pixels, [image.Frames, rows, rowBytes]));
        return _features[image] = _vision.Floats[ChatNames.Features];
    }
}
