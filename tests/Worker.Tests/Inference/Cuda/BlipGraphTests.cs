using VlWorker.Inference;
using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Blip;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>BLIP's graphs for CUDA give what transformers gives, in batches of prompts of different lengths, too.</summary>
public sealed class BlipGraphTests : IDisposable
{
    private readonly string _folder = FixtureArchive.Extract("blip-captioning");
    private readonly GoldenCases _golden;
    private readonly BlipParameters _parameters;
    private readonly GenerationTokens _tokens;

    public BlipGraphTests()
    {
        var folder = ModelFolder.Open(_folder);
        _golden = new GoldenCases(_folder);
        _parameters = (BlipParameters)CheckpointModel.Read(folder.Path, folder.Family, folder.Config);
        var config = BlipConfig.Read(folder.Config);
        _tokens = new GenerationTokens([config.StartToken], [config.EndToken], null, null);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Every_case_that_the_device_chooses_gives_the_tokens_and_scores_of_transformers(int beams)
    {
        GoldenCaption[] cases = [.. _golden.Captions.Where(golden => golden.Parameters.NumBeams == beams && new DeviceSearch(_tokens).Fits(Row(golden)))];
        Assert.NotEmpty(cases);
        foreach (var batch in (GoldenCaption[][])[cases, [.. cases.Reverse()], cases[..1]])
        {
            var found = Search(_tokens, [.. batch.Select(golden => golden.Image)], [.. batch.Select(Row)]);
            for (var i = 0; i < batch.Length; i++)
                batch[i].Check(found[i][0]);
        }
    }

    [Theory]
    [InlineData(1, null, null)]
    [InlineData(4, null, null)]
    [InlineData(1, 283, 102)]
    [InlineData(4, 283, 102)]
    [InlineData(3, 283, null)]
    public void Prompts_of_any_lengths_and_forced_tokens_give_what_the_processor_gives(int beams, int? first, int? last)
    {
        var tokens = _tokens with { ForcedFirst = first, ForcedLast = last };
        string[] images = [.. _golden.Images.Take(5)];
        int[][] prompts = [[], [121], [121, 296, 246], [], [121, 313, 246, 181, 270]];
        RowRequest[] rows = [.. images.Select((_, i) => new RowRequest(
            new GenerationParameters(i == 3 ? 2 : 6 + i, 0, beams, 1, EarlyStopping.Heuristic, 0, 1, 1), [_tokens.Prompt[0], .. prompts[i]]))];
        Assert.All(rows, row => Assert.True(new DeviceSearch(tokens).Fits(row)));
        var expected = new RowResult[rows.Length];
        using (var engine = ExportedCaptionEngine.Load(ModelFolder.Open(_folder), PreprocessorConfig.Load(_folder), tokens, new ModelOptions()))
            engine.Run([.. images.Select(_golden.Pixels)], rows, expected, CancellationToken.None);
        var found = Search(tokens, images, rows);
        for (var i = 0; i < rows.Length; i++)
        {
            Assert.Equal(expected[i].Sequences[0].Tokens, found[i][0].Tokens);
            Assert.Equal(expected[i].Sequences[0].Score, found[i][0].Score, 1e-3);
        }
    }

    public void Dispose() => _golden.Dispose();

    private static RowRequest Row(GoldenCaption golden) => new(golden.Parameters, golden.InputIds);

    private IReadOnlyList<FoundSequence>[] Search(GenerationTokens tokens, string[] images, RowRequest[] rows)
    {
        var config = PreprocessorConfig.Load(_folder);
        using var steps = new CaptionSteps(
            CudaGraphs.Encoder(_parameters, config.Normalization, ElementType.Float), CudaGraphs.Decoder(_parameters.Text), tokens);
        steps.Encode(_golden, images, config.Resize, _parameters.Vision);
        return steps.Run(rows);
    }
}
