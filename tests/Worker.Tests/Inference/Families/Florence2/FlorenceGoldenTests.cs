using VlWorker.Inference;
using VlWorker.Inference.Families.Florence2;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

/// <summary>What transformers gives, from the exported graphs and from what ModelKit makes of checkpoint and export.</summary>
public sealed class FlorenceGoldenTests(FlorenceFixture fixture) : IClassFixture<FlorenceFixture>
{
    [Fact]
    public void Prompts_become_the_tokens_of_transformers()
    {
        var prompts = new FlorencePrompts(HubTokenizer.Load(fixture.Folder), 200);
        Assert.All(fixture.Golden.Captions, golden =>
            Assert.Equal(golden.InputIds, prompts.Encode(FlorencePrompt.Of(Contracts.Tasks.Caption, golden.Prompt))));
    }

    [Fact]
    public void Images_are_resized_to_the_same_bytes() => fixture.Golden.CheckResizedBytes();

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden], fixture.Model);
    }

    [Fact]
    public void Mixed_prompts_images_and_beams_in_one_call_give_the_same() => fixture.Check([.. fixture.Golden.Captions.Reverse()], fixture.Model);

    [Fact]
    public void The_split_pair_of_decoders_gives_the_same()
    {
        var folder = ModelFolders.CopyWithout(fixture.Folder, "onnx/decoder_model_merged.onnx");
        try
        {
            using var model = ModelLoader.Load("tiny", folder, new ModelOptions());
            fixture.Check(fixture.Golden.Captions, model);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_optimised_model_gives_the_same_alone_and_together(bool fromCheckpoint)
    {
        var folder = OptimizedFolders.Cpu(OptimizedFolders.Source(fixture.Folder, fromCheckpoint), ConversionPrecision.Fp32);
        try
        {
            using var model = ModelLoader.Load("tiny", folder, new ModelOptions());
            foreach (var golden in fixture.Golden.Captions)
                fixture.Check([golden], model);
            fixture.Check([.. fixture.Golden.Captions.Reverse()], model);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void In_8_bits_no_row_changes_another()
    {
        var folder = OptimizedFolders.Cpu(fixture.Folder, ConversionPrecision.Int8);
        try
        {
            using var model = ModelLoader.Load("tiny", folder, new ModelOptions());
            model.CheckRowsAreTheirOwn([.. fixture.Golden.Captions.Select(fixture.Input)]);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
