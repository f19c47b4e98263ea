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
    CaptionFixture captions, EmbeddingFixture<ClipTiny> clip, EmbeddingFixture<SiglipTiny> siglip, EmbeddingFixture<Siglip2Tiny> siglip2,
    EmbeddingFixture<Dinov2Tiny> dinov2)
    : IClassFixture<CaptionFixture>, IClassFixture<EmbeddingFixture<ClipTiny>>, IClassFixture<EmbeddingFixture<SiglipTiny>>,
        IClassFixture<EmbeddingFixture<Siglip2Tiny>>, IClassFixture<EmbeddingFixture<Dinov2Tiny>>, IDisposable
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
    [InlineData("siglip2", true)]
    [InlineData("siglip2", false)]
    [InlineData("dinov2", true)]
    [InlineData("dinov2", false)]
    public void An_embedder_gives_every_golden_embedding(string name, bool fromCheckpoint)
    {
        var fixture = ((EmbeddingFixture[])[clip, siglip, siglip2, dinov2]).Single(fixture => fixture.Name == name);
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

    [Theory]
    [InlineData(ConversionTarget.Cuda, ConversionPrecision.Int8, "siglip2 is built for cuda in fp16 and fp32, not in int8")]
    [InlineData(ConversionTarget.Cpu, ConversionPrecision.Fp16, "siglip2 is built for cpu in fp32 and int8, not in fp16")]
    public void What_NaFlex_is_not_built_for_is_refused_by_name(ConversionTarget target, ConversionPrecision precision, string said)
    {
        var source = SourceModel.OpenCheckpoint(FixtureArchive.Extract("siglip2-naflex"));
        var error = Assert.Throws<ModelFolderException>(() =>
            ModelConverter.Convert(source, new ConversionOptions(target, precision), Path.Combine(_output, "refused")));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exported_graphs_of_NaFlex_are_refused_with_the_way_out()
    {
        // Those of a model that sees one size of images.
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract("siglip2-naflex"));
        try
        {
            var graphs = Directory.CreateDirectory(Path.Combine(folder, "onnx")).FullName;
            foreach (var graph in Directory.EnumerateFiles(Path.Combine(FixtureArchive.Extract("siglip"), "onnx")))
                File.Copy(graph, Path.Combine(graphs, Path.GetFileName(graph)));

            foreach (var open in (Action[])[() => ModelLoader.Load("naflex", folder, new ModelOptions()), () => SourceModel.OpenExport(folder, ModelPrecision.Fp32)])
            {
                Assert.Contains(
                    "no exported graphs of a siglip2 are known: make it of the checkpoint (vl-worker model convert)",
                    Assert.Throws<ModelFolderException>(open).Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(folder, true);
        }
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

    [Theory]
    [InlineData("blip-vqa", "beam_step encoder greedy_step vision", "What cross attention reads of a question is computed once, by the encoder.")]
    [InlineData(
        "siglip2-naflex", "text vision", "Images are padded to the most patches that one may have, padding is hidden; positions are interpolated for each.")]
    public void A_checkpoint_without_exports_is_built_for_a_GPU(string fixture, string graphs, string done)
    {
        var source = SourceModel.OpenCheckpoint(FixtureArchive.Extract(fixture));
        foreach (var precision in (ConversionPrecision[])[ConversionPrecision.Fp16, ConversionPrecision.Fp32])
        {
            var output = Path.Combine(_output, $"{precision}");
            Assert.Contains(done, ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cuda, precision), output).Done);
            Assert.Equal(graphs, string.Join(' ', ModelFolder.Open(output).Graphs.Keys.Order(StringComparer.Ordinal)));
        }
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
