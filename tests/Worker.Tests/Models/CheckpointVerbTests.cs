using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Pruning;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models;
using VlWorker.Models.Pruning;
using VlWorker.Models.Quantizing;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Models;

/// <summary>The verbs on families of which no exported graphs are known: they work on the checkpoint, or on what convert made of it.</summary>
public sealed class CheckpointVerbTests : VerbTest
{
    private static readonly string Vqa = FixtureArchive.Extract("blip-vqa");
    private static readonly ConversionOptions Fp32 = new(ConversionTarget.Cpu, ConversionPrecision.Fp32);

    [Theory]
    [InlineData("blip-vqa", "blip-vqa")]
    [InlineData("siglip2-naflex", "siglip2")]
    public async Task What_takes_exported_graphs_names_the_way_out(string fixture, string family)
    {
        var checkpoint = FixtureArchive.Extract(fixture);
        Assert.Equal(ModelExit.Unusable, new ConversionRun(Console.Out, Console.Error, TimeProvider.System).Run(
            () => SourceModel.OpenExport(checkpoint, ModelPrecision.Auto), Fp32, Folder.At("out")));
        Assert.Equal(ModelExit.Unusable, await QuantizeAsync(new QuantizeSettings(checkpoint, new QuantizationRecipe()) { Out = Folder.At("out") }));
        Assert.Equal(ModelExit.Unusable, Prune(new PruneSettings(checkpoint, Folder.At("out")) { Sparsity = 0.5 }));

        Assert.Equal(3, Console.Error.ToString().Split($"no exported graphs of a {family} are known: make it of the checkpoint (vl-worker model convert)").Length - 1);
        Assert.False(Directory.Exists(Folder.At("out")));
    }

    [Theory]
    [InlineData("Int8", 0.3)]
    [InlineData("Weights8", 0.3)]
    [InlineData("Fp16", 0.005)]
    public async Task Quantised_questions_are_answered_nearly_as_before(string target, double deviation)
    {
        ModelConverter.Convert(SourceModel.OpenCheckpoint(Vqa), Fp32, Folder.At("whole"));
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        Assert.Equal(ModelExit.Good, await QuantizeAsync(new QuantizeSettings(Folder.At("whole"), recipe) { Out = Folder.At("out") }));

        Assert.Equal(recipe.Precision, ModelFolder.Open(Folder.At("out")).Precision);
        // Of random weights a whole answer goes another way after the first near tie: so the first tokens are compared.
        var pairs = FirstTokens(Folder.At("whole")).Zip(FirstTokens(Folder.At("out"))).ToList();
        var equal = pairs.Where(static pair => pair.First.TokenIds.SequenceEqual(pair.Second.TokenIds)).ToList();
        Assert.True(equal.Count >= 0.7 * pairs.Count, $"{equal.Count} of {pairs.Count}");
        Assert.InRange(equal.Average(static pair => Math.Abs(pair.First.Score - pair.Second.Score)), 1e-9, deviation);
        Assert.Equal(ModelExit.Good, await VerifyAsync(Folder.At("whole"), new Thresholds { MinEqualCaptions = 0 }));
    }

    [Theory]
    [InlineData("Int8", 0.98)]
    [InlineData("Weights8", 0.99)]
    [InlineData("Fp16", 0.9999)]
    public async Task Quantised_images_of_any_aspect_stay_where_they_were(string target, double cosine)
    {
        ModelConverter.Convert(SourceModel.OpenCheckpoint(FixtureArchive.Extract("siglip2-naflex")), Fp32, Folder.At("whole"));
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        Assert.Equal(ModelExit.Good, await QuantizeAsync(new QuantizeSettings(Folder.At("whole"), recipe) { Out = Folder.At("out") }));
        Assert.Equal(ModelExit.Good, await VerifyAsync(Folder.At("whole"), new Thresholds { MinCosine = cosine }));
    }

    [Fact]
    public async Task Values_that_pass_the_range_on_the_images_stay_32_bit()
    {
        // The question's first block gets numbers far beyond 65,504 between its two feed-forward layers, and nowhere else.
        var source = SourceModel.OpenCheckpoint(Vqa).Change("Stretched.", Stretch);
        ModelConverter.Convert(source, Fp32, Folder.At("whole"));
        var settings = new QuantizeSettings(Folder.At("whole"), new QuantizationRecipe { Target = QuantizationTarget.Fp16 })
        {
            Out = Folder.At("out"),
            Images = Pictures,
            Limit = 2,
        };
        Assert.Equal(ModelExit.Good, await QuantizeAsync(settings));

        Assert.Contains(" reaches ", Console.Tables, StringComparison.Ordinal);
        Assert.DoesNotContain("without --images", Console.Tables, StringComparison.Ordinal);
        Assert.Equal(ModelExit.Good, await VerifyAsync(Folder.At("whole"), new Thresholds { MinEqualCaptions = 0.5 }));
    }

    [Fact]
    public async Task Graphs_for_a_GPU_are_not_measured_on_a_processor()
    {
        ModelConverter.Convert(
            SourceModel.OpenCheckpoint(Clip), new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Fp32), Folder.At("cuda"));
        var settings = new QuantizeSettings(Folder.At("cuda"), new QuantizationRecipe { Target = QuantizationTarget.Fp16 }) { Out = Folder.At("out"), Images = Pictures };
        Assert.Equal(ModelExit.Unusable, await QuantizeAsync(settings));
        Assert.Contains("--images runs the graphs on the processor, and those of", Console.Error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder.At("out")));
    }

    [Theory]
    [InlineData("blip-vqa")]
    [InlineData("siglip2-naflex")]
    public async Task What_is_pruned_is_verified_against_the_whole(string fixture)
    {
        var checkpoint = FixtureArchive.Extract(fixture);
        ModelConverter.Convert(SourceModel.OpenCheckpoint(checkpoint), Fp32, Folder.At("whole"));
        Assert.Equal(ModelExit.Good, Prune(new PruneSettings(checkpoint, Folder.At("out")) { Structured = new StructuredPruningOptions(0.5, 0.5, false) }));
        Assert.Equal(ModelExit.Bad, await RunVerifyAsync(Folder.At("whole"), new Thresholds()));

        // Of so few parts none goes.
        Assert.Equal(ModelExit.Good, Prune(new PruneSettings(checkpoint, Folder.At("out")) { Structured = new StructuredPruningOptions(0, 0.001, false) }));
        await VerifyAsync(Folder.At("whole"), new Thresholds { MinEqualCaptions = 1, MinCosine = 1 - 1e-9, MaxDeviation = 1e-9 });
        Assert.Equal(ModelExit.Good, Prune(new PruneSettings(Folder.At("whole"), Folder.At("sparse")) { Sparsity = 0.3 }));
        Assert.Equal(ModelPrecision.Fp32, ModelFolder.Open(Folder.At("sparse")).Precision);
    }

    // GELU of large numbers is the numbers themselves, or 0.
    private static FamilyParameters Stretch(FamilyParameters parameters)
    {
        var vqa = (BlipVqaParameters)parameters;
        var first = vqa.Question.Layers[0];
        first = first with { Up = first.Up.Scale(1e6f), Down = first.Down.Scale(1e-6f) };
        return vqa with { Question = vqa.Question with { Layers = [first, .. vqa.Question.Layers.Skip(1)] } };
    }

    private static List<GeneratedSequence> FirstTokens(string folder)
    {
        using var golden = new GoldenCases(Vqa);
        using var model = ModelLoader.Load("vqa", folder, new ModelOptions());
        var one = model.Resolve(new GenerationOptions { NumBeams = 1, MaxNewTokens = 1 });
        var rows = golden.Captions.Select(row => new ImageInput(Tasks.Answer, golden.Pixels(row.Image), one, row.Prompt));
        return [.. model.Run([.. rows], CancellationToken.None).Select(static outcome => Assert.IsType<CaptionOutcome>(outcome).Sequences[0])];
    }

    private Task<int> QuantizeAsync(QuantizeSettings settings) => new QuantizeRun(settings, Console.Console, Console.Error).RunAsync(CancellationToken.None);

    private int Prune(PruneSettings settings) => new PruneRun(settings, Console.Console, Console.Error).Run();

    private async Task<int> VerifyAsync(string original, Thresholds thresholds)
    {
        var code = await RunVerifyAsync(original, thresholds);
        Assert.True(code == ModelExit.Good, Console.Tables + Console.Error);
        return code;
    }

    private Task<int> RunVerifyAsync(string original, Thresholds thresholds)
    {
        var settings = new VerifySettings(new ModelChoice(original), new ModelChoice(Folder.At("out")), Pictures) { Rounds = 0, Thresholds = thresholds };
        return new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None);
    }
}
