using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models;
using VlWorker.Models.Quantizing;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Demo;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models.Quantizing;

/// <summary>The whole verb on tiny exports, and what the engines make of the result.</summary>
public sealed class QuantizeRunTests : VerbTest
{
    [Theory]
    [InlineData("Int8", 0.995)]
    [InlineData("Weights8", 0.997)]
    [InlineData("Weights4", 0.9)]
    [InlineData("Fp16", 0.99999)]
    public async Task An_embedder_stays_near_its_original(string target, double cosine)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        Assert.Equal(ModelExit.Good, await RunAsync(new QuantizeSettings(Clip, recipe) { Out = Folder.At("out") }));

        Assert.Equal(recipe.Precision, ModelFolder.Open(Folder.At("out")).Precision);
        Assert.Equal(ModelExit.Good, await VerifyAsync(Clip, new Thresholds { MinCosine = cosine }));
        Assert.True(SizeOf(Folder.At("out")) < SizeOf(Clip, "text_model.onnx", "vision_model.onnx"));
    }

    [Theory]
    [InlineData("siglip", "Int8", 0.98)]
    [InlineData("siglip", "Fp16", 0.9999)]
    [InlineData("siglip2", "Int8", 0.98)]
    [InlineData("siglip2", "Fp16", 0.9999)]
    [InlineData("dinov2", "Int8", 0.98)]
    [InlineData("dinov2", "Fp16", 0.9999)]
    public async Task Every_family_of_embedders_is_quantised_and_verified(string fixture, string target, double cosine)
    {
        var (folder, recipe) = (FixtureArchive.Extract(fixture), new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) });
        Assert.Equal(ModelExit.Good, await RunAsync(new QuantizeSettings(folder, recipe) { Out = Folder.At("out") }));
        Assert.Equal(ModelExit.Good, await VerifyAsync(folder, new Thresholds { MinCosine = cosine }));
    }

    [Theory]
    [InlineData("Int8", 0.1)]
    [InlineData("Weights8", 0.05)]
    [InlineData("Fp16", 0.005)]
    public async Task Both_branches_of_a_merged_decoder_give_the_logits_of_the_original(string target, double error)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        Assert.Equal(ModelExit.Good, await RunAsync(new QuantizeSettings(Captioner, recipe) { Out = Folder.At("out") }));
        Assert.Contains("decoder_model_merged", Console.Tables, StringComparison.Ordinal);
        var (original, candidate) = (ModelFolder.Open(Captioner, ModelPrecision.Fp32), ModelFolder.Open(Folder.At("out")));

        var expected = DecoderSteps.Run(original.Graphs["decoder_model_merged"]);
        var found = DecoderSteps.Run(candidate.Graphs["decoder_model_merged"]);
        Assert.InRange(DecoderSteps.Error(expected.First, found.First), 1e-7, error);
        Assert.InRange(DecoderSteps.Error(expected.Next, found.Next), 1e-7, error);
        Assert.Equal(ModelExit.Good, await VerifyAsync(Captioner, new Thresholds { MinEqualCaptions = 0 }));
    }

    [Fact]
    public async Task Every_matrix_of_both_branches_is_rewritten()
    {
        await RunAsync(new QuantizeSettings(Captioner, new QuantizationRecipe()) { Out = Folder.At("out") });
        var decoder = OnnxFile.Load(Folder.At("out/onnx/decoder_model_merged_quantized.onnx"));

        // What is left multiplies activations with each other.
        foreach (var scope in GraphScope.All(decoder))
            Assert.DoesNotContain(scope.Graph.Node, node => node.OpType is "MatMul" or "Gemm" && scope.FindConstant(node.Input[1]) is not null);
        Assert.DoesNotContain(decoder.Graph.Initializer, tensor => tensor.Dims.Count == 2 && tensor.DataType == (int)ElementType.Float && tensor.Dims[1] > 1);
    }

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("dinov2")]
    [InlineData("blip-captioning")]
    [InlineData("florence-2")]
    [InlineData("smolvlm")]
    public Task Calibration_measures_every_graph_of_every_family(string fixture) => CheckMeasuredAsync(FixtureArchive.Extract(fixture));

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    [InlineData("siglip2")]
    [InlineData("siglip2-naflex")]
    [InlineData("dinov2")]
    [InlineData("blip-captioning")]
    [InlineData("blip-vqa")]
    [InlineData("florence-2")]
    [InlineData("smolvlm")]
    public Task Calibration_measures_every_graph_that_convert_makes(string fixture)
    {
        ModelConverter.Convert(
            SourceModel.OpenCheckpoint(FixtureArchive.Extract(fixture)), new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), Folder.At("converted"));
        return CheckMeasuredAsync(Folder.At("converted"));
    }

    [Fact]
    public async Task Calibrated_halves_are_as_good()
    {
        var settings = new QuantizeSettings(Captioner, new QuantizationRecipe { Target = QuantizationTarget.Fp16 }) { Out = Folder.At("out"), Images = Pictures, Limit = 3 };
        Assert.Equal(ModelExit.Good, await RunAsync(settings));

        Assert.DoesNotContain("without --images", Console.Tables, StringComparison.Ordinal);
        var expected = DecoderSteps.Run(ModelFolder.Open(Captioner, ModelPrecision.Fp32).Graphs["decoder_model_merged"]);
        Assert.InRange(DecoderSteps.Error(expected.Next, DecoderSteps.Run(ModelFolder.Open(Folder.At("out")).Graphs["decoder_model_merged"]).Next), 1e-7, 0.005);
    }

    [Fact]
    public async Task What_can_not_be_done_is_said_and_leaves_nothing()
    {
        var plain = new QuantizeSettings(Clip, new QuantizationRecipe()) { Out = Folder.At("out") };
        (QuantizeSettings Settings, string Said)[] cases =
        [
            (plain with { Recipe = new QuantizationRecipe { Exclude = ["*no_such_layer*"] } }, "matches no node"),
            (plain with { Recipe = new QuantizationRecipe { Operators = ["Softmax"] } }, "Softmax"),
            (plain with { Images = Pictures }, "--images"),
            (plain with { Folder = Folder.Path }, "config.json is missing"),
            (plain with { Images = Folder.At("nowhere"), Recipe = new QuantizationRecipe { Target = QuantizationTarget.Fp16 } }, "there is no folder"),
        ];
        foreach (var (settings, said) in cases)
        {
            Console.Error.GetStringBuilder().Clear();
            Assert.Equal(ModelExit.Unusable, await RunAsync(settings));
            Assert.Contains(said, Console.Error.ToString(), StringComparison.Ordinal);
            Assert.False(Directory.Exists(Folder.At("out")));
        }
    }

    [Fact]
    public async Task Excluded_layers_keep_their_floats()
    {
        Assert.Equal(ModelExit.Good, await RunAsync(new QuantizeSettings(Clip, new QuantizationRecipe { Exclude = ["*/layers.0/*"] }) { Out = Folder.At("out"), Verbose = true }));
        var graph = OnnxFile.Load(Folder.At("out/onnx/vision_model_quantized.onnx")).Graph;

        Assert.Contains(graph.Node, node => node.OpType == "MatMul" && node.Name.Contains("/layers.0/mlp/", StringComparison.Ordinal));
        Assert.DoesNotContain(graph.Node, node => node.OpType == "MatMul" && node.Name.Contains("/layers.1/mlp/", StringComparison.Ordinal));
        Assert.Contains("left out by */layers.0/*", Console.Tables, StringComparison.Ordinal);
    }

    private Task<int> RunAsync(QuantizeSettings settings) =>
        new QuantizeRun(settings, Console.Console, Console.Error).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));

    private async Task<int> VerifyAsync(string original, Thresholds thresholds)
    {
        var settings = new VerifySettings(new ModelChoice(original, ModelPrecision.Fp32), new ModelChoice(Folder.At("out")), Pictures) { Rounds = 0, Thresholds = thresholds };
        var code = await new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.True(code == ModelExit.Good, Console.Tables + Console.Error);
        return code;
    }

    private static async Task CheckMeasuredAsync(string folder)
    {
        var source = ModelFolder.Open(folder, ModelPrecision.Fp32);
        var measured = await Calibration.MeasureAsync(source, Pictures, 2, CancellationToken.None);

        Assert.All(source.Graphs.Keys, name => Assert.NotEmpty(measured.Of(name)));
        Assert.All(source.Graphs.Keys, name => Assert.All(measured.Of(name).Values, range => Assert.InRange(range.Largest, 0, 1e29f)));
        Assert.All(source.Graphs.Keys, name => Assert.Contains(measured.Of(name).Values, range => range.Largest > 0.1f));
    }

    private static long SizeOf(string folder, params string[] names) => Directory.GetFiles(Path.Combine(folder, "onnx"))
        .Where(file => names.Length == 0 || names.Contains(Path.GetFileName(file))).Sum(file => new FileInfo(file).Length);
}
