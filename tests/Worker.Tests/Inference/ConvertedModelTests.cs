using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>What convert makes of the fixtures' checkpoints, and optimize of their exports, gives what transformers gives.</summary>
public sealed class ConvertedModelTests(
    CaptionFixture captions, EmbeddingFixture<ClipTiny> clip, EmbeddingFixture<SiglipTiny> siglip, EmbeddingFixture<Dinov2Tiny> dinov2)
    : IClassFixture<CaptionFixture>, IClassFixture<EmbeddingFixture<ClipTiny>>, IClassFixture<EmbeddingFixture<SiglipTiny>>,
        IClassFixture<EmbeddingFixture<Dinov2Tiny>>, IDisposable
{
    private readonly string _output = Directory.CreateTempSubdirectory("vlworker-converted-").FullName;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_captioner_gives_every_golden_token_and_score(bool fromCheckpoint)
    {
        using var model = Convert("vit-gpt2-tiny", fromCheckpoint);
        captions.Check(captions.Golden.Captions, model);
    }

    [Theory]
    [InlineData("clip-tiny", false)]
    [InlineData("clip-tiny", true)]
    [InlineData("siglip", true)]
    [InlineData("siglip", false)]
    [InlineData("dinov2", true)]
    [InlineData("dinov2", false)]
    public void An_embedder_gives_every_golden_embedding(string name, bool fromCheckpoint)
    {
        var fixture = ((EmbeddingFixture[])[clip, siglip, dinov2]).Single(fixture => fixture.Name == name);
        using var model = Convert(name, fromCheckpoint);
        fixture.CheckImages([.. fixture.Golden.Images], model);
        Assert.All(fixture.Golden.Images, stem => fixture.CheckImages([stem], model));
        fixture.CheckTexts(fixture.Golden.Texts, model);
        Assert.All(fixture.Golden.Texts, text => fixture.CheckTexts([text], model));
        Assert.Equal(fixture.Model.Similarity, model.Similarity);
        Assert.Equal(fixture.Model.Tasks, model.Tasks);
    }

    [Fact]
    public void A_precision_that_a_GPU_has_no_use_for_is_refused_by_name()
    {
        var source = SourceModel.OpenCheckpoint(FixtureArchive.Extract("siglip"));
        var error = Assert.Throws<ModelFolderException>(() =>
            ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Int8), Path.Combine(_output, "cuda")));
        Assert.Contains("siglip is built for cuda in fp16 and fp32, not in int8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chat_model_for_a_GPU_is_three_graphs_of_16_bit_floats()
    {
        var (source, output) = (SourceModel.OpenCheckpoint(FixtureArchive.Extract("smolvlm")), Path.Combine(_output, "cuda"));
        var error = Assert.Throws<ModelFolderException>(() =>
            ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Fp32), output));
        Assert.Contains("idefics3 is built for cuda in fp16, not in fp32", error.Message, StringComparison.Ordinal);

        ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Fp16), output);
        var folder = ModelFolder.Open(output);
        Assert.Equal(["greedy_step", "prompt", "vision"], folder.Graphs.Keys.Order());
        Assert.All(folder.Graphs.Values, file =>
            Assert.Contains(OnnxFile.Load(file).Graph.Input, input => input.Type.TensorType.ElemType is (int)ElementType.Float16 or (int)ElementType.Int8));
    }

    [Fact]
    public void An_export_that_is_not_rebuilt_runs_as_it_is()
    {
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract("dinov2"));
        try
        {
            // Nothing is known of how such a model's graph would look.
            ModelFolders.Change(folder, "config.json", static config => config["use_swiglu_ffn"] = true);
            var optimizer = new ModelOptimizer(Path.Combine(_output, "cache"), NullLogger.Instance);
            var exported = ModelFolder.Open(folder);
            Assert.Same(exported, optimizer.Choose(exported, new ModelOptions { Alias = "dinov2" }, DeviceSpec.Cpu));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    public void Dispose() => Directory.Delete(_output, recursive: true);

    private IModel Convert(string fixture, bool fromCheckpoint)
    {
        var source = OptimizedFolders.Source(FixtureArchive.Extract(fixture), fromCheckpoint);
        ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), _output);
        return ModelLoader.Load("tiny", _output, new ModelOptions());
    }
}
