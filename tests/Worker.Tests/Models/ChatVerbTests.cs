using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Inspection;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models;
using VlWorker.Models.Quantizing;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Models;

/// <summary>The verbs on a model that answers questions.</summary>
public sealed class ChatVerbTests : VerbTest
{
    private static readonly string Chat = FixtureArchive.Extract("smolvlm");

    [Fact]
    public async Task What_is_optimised_is_found_equal_to_the_export()
    {
        ModelConverter.Convert(
            SourceModel.OpenExport(Chat, ModelPrecision.Fp32), new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), Folder.At("out"));
        Assert.Equal(["optimised"], ModelInspector.Inspect(Folder.At("out"), ModelPrecision.Auto, 16).Kinds);
        var settings = new VerifySettings(new ModelChoice(Chat, ModelPrecision.Fp32), new ModelChoice(Folder.At("out")), Pictures) { Rounds = 0 };
        var code = await new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.True(code == ModelExit.Good, Console.Tables + Console.Error);
    }

    [Theory]
    [InlineData("Int8")]
    [InlineData("Weights8")]
    public async Task A_quantised_export_answers(string target)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        Assert.Equal(ModelExit.Good, await QuantizeAsync(new QuantizeSettings(Chat, recipe) { Out = Folder.At("out") }));
        using var model = ModelLoader.Load("tiny", Folder.At("out"), new ModelOptions());
        using var pixels = TestImages.Prepare(Path.Combine(Chat, "golden", "images", "scene.png"), model.Images!.Resize);
        var row = new ImageInput(Tasks.Answer, pixels, model.Resolve(new GenerationOptions { MaxNewTokens = 4 }), "What is this?");
        Assert.NotEmpty(Assert.IsType<CaptionOutcome>(model.Run([row], CancellationToken.None)[0]).Sequences);
    }

    [Fact]
    public async Task Halves_that_were_measured_with_images_are_written_without_a_note()
    {
        var settings = new QuantizeSettings(Chat, new QuantizationRecipe { Target = QuantizationTarget.Fp16 }) { Out = Folder.At("out"), Images = Pictures, Limit = 2 };
        Assert.Equal(ModelExit.Good, await QuantizeAsync(settings));
        Assert.DoesNotContain("without --images", Console.Tables, StringComparison.Ordinal);
        Assert.Equal(ModelPrecision.Fp16, ModelFolder.Open(Folder.At("out")).Precision);
    }

    private Task<int> QuantizeAsync(QuantizeSettings settings) => new QuantizeRun(settings, Console.Console, Console.Error).RunAsync(CancellationToken.None);
}
