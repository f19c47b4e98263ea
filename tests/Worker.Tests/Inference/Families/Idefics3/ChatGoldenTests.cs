using System.Security.Cryptography;
using System.Text.Json;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3;

public sealed class ChatGoldenTests(ChatFixture fixture) : IClassFixture<ChatFixture>
{
    [Fact]
    public void Tiles_and_whole_images_are_those_of_transformers_bit_for_bit()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture.Folder, "golden", "resized.json")));
        var compared = 0;
        foreach (var golden in json.RootElement.EnumerateObject())
        {
            var image = fixture.Images[golden.Name];
            Assert.Equal(golden.Value.GetProperty("shape")[0].GetInt32(), image.Frames);
            Assert.Equal(golden.Value.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(image.Rgb)));
            compared++;
        }

        Assert.Equal(12, compared);
    }

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Cases)
            fixture.Check([golden], fixture.Exported);
    }

    [Fact]
    public void All_cases_in_one_call_give_the_same()
    {
        fixture.Check(fixture.Cases, fixture.Exported);
        fixture.Check([.. fixture.Cases.Reverse()], fixture.Exported);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_converted_for_the_processor_gives_the_same_alone_and_together(bool fromCheckpoint)
    {
        var output = Converted(fromCheckpoint, ConversionPrecision.Fp32);
        try
        {
            using var model = ModelLoader.Load("tiny", output, new ModelOptions());
            foreach (var golden in fixture.Cases)
                fixture.Check([golden], model);
            fixture.Check(fixture.Cases, model);
            fixture.Check([.. fixture.Cases.Reverse()], model);
        }
        finally
        {
            Directory.Delete(output, true);
        }
    }

    [Fact]
    public void Eight_bits_give_a_model_that_answers()
    {
        var output = Converted(true, ConversionPrecision.Int8);
        try
        {
            using var model = ModelLoader.Load("tiny", output, new ModelOptions());
            var outcomes = model.Run([.. fixture.Cases.Select(fixture.Input)], CancellationToken.None);
            Assert.All(outcomes, outcome => Assert.NotEmpty(Assert.IsType<CaptionOutcome>(outcome).Sequences[0].Text));
        }
        finally
        {
            Directory.Delete(output, true);
        }
    }

    private string Converted(bool fromCheckpoint, ConversionPrecision precision) =>
        OptimizedFolders.Cpu(OptimizedFolders.Source(fixture.Folder, fromCheckpoint), precision);
}
