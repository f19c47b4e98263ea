using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Inspection;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Inspection;

public sealed class ModelInspectorTests : IDisposable
{
    private readonly string _output = Path.Combine(Path.GetTempPath(), $"vlworker-inspected-{Guid.NewGuid():N}");

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("siglip2-naflex")]
    [InlineData("dinov2")]
    [InlineData("blip-captioning")]
    [InlineData("smolvlm")]
    public void Parameters_are_as_many_as_the_checkpoint_holds(string fixture)
    {
        var folder = FixtureArchive.Extract(fixture);
        using var checkpoint = Checkpoint.Open(folder);
        var stored = checkpoint.Tensors.Where(tensor => tensor.Name is not ("logit_scale" or "logit_bias") && !tensor.Name.Contains("pooler", StringComparison.Ordinal))
            .Sum(tensor => tensor.Count);
        Assert.Equal(stored, ModelInspector.Inspect(folder, ModelPrecision.Auto, 16).Parameters);
    }

    [Fact]
    public void Tables_that_are_stored_several_times_count_once()
    {
        var folder = FixtureArchive.Extract("florence-2");
        using var checkpoint = Checkpoint.Open(folder);
        // The published form of config.json takes them all for one.
        var stored = checkpoint.Tensors.Where(tensor => !tensor.Name.Contains("embed_tokens", StringComparison.Ordinal) && tensor.Name != "lm_head.weight")
            .Sum(tensor => tensor.Count);
        var found = ModelInspector.Inspect(folder, ModelPrecision.Auto, 16);
        Assert.Equal(stored, found.Parameters);
        Assert.Equal(["vision", "encoder", "decoder"], found.Parts.Select(part => part.Name));
        Assert.All(found.Parts, part => Assert.True(part.Flops > 0));
        Assert.Equal(2 * 2 * 32 * (256 + 17) * sizeof(float), found.Memory[0].CacheBytes); // 2 layers, 32 wide: 256 positions of the text, 17 of the image
    }

    [Fact]
    public void A_model_without_exports_is_seen_by_its_checkpoint()
    {
        var folder = FixtureArchive.Extract("blip-vqa");
        using var checkpoint = Checkpoint.Open(folder);
        var found = ModelInspector.Inspect(folder, ModelPrecision.Auto, 16);
        Assert.Equal((folder, "blip-vqa"), (found.Folder, found.Family));
        Assert.Equal(["checkpoint"], found.Kinds);
        Assert.Equal(["vision", "encoder", "decoder"], found.Parts.Select(part => part.Name));
        // The decoder's head is stored once, as its token embedding.
        Assert.Equal(checkpoint.Tensors.Sum(tensor => tensor.Count) + checkpoint.Find("text_encoder.embeddings.word_embeddings.weight").Count, found.Parameters);
        Assert.Equal(["cpu", "cuda"], found.Offers.Select(offer => offer.Target).Distinct());
    }

    [Fact]
    public void An_export_shows_its_graphs_and_what_optimising_would_do()
    {
        var found = ModelInspector.Inspect(FixtureArchive.Extract("vit-gpt2-tiny"), ModelPrecision.Auto, 16);
        Assert.Equal(["checkpoint", "export"], found.Kinds);
        Assert.Equal("fp32", found.Precisions[0]);
        var decoder = Assert.Single(found.Graphs, graph => graph.Name == "decoder_model_merged");
        Assert.Equal(17, decoder.Opset);
        Assert.Contains("input_ids int64 [batch_size, decoder_sequence_length]", decoder.Inputs);
        Assert.StartsWith("logits float [", decoder.Outputs[0]);
        Assert.Equal(new FileInfo(Path.Combine(found.Folder, decoder.File)).Length, decoder.Bytes);
        Assert.InRange(decoder.WeightBytes["float"], 50257 * 16 * 4, decoder.Bytes);
        Assert.Contains(found.Offers, offer => offer is { Target: "cpu", Precision: "int8" } && offer.Done.Count > 1);
    }

    [Fact]
    public void Memory_grows_with_the_batch_by_its_caches_alone()
    {
        var found = ModelInspector.Inspect(FixtureArchive.Extract("vit-gpt2-tiny"), ModelPrecision.Auto, 16);
        var row = 2 * 2 * 16 * (64 + 197) * sizeof(float); // keys and values of 2 layers, 16 wide: 64 positions of the text, 197 of the image
        Assert.All(found.Memory, memory => Assert.Equal(memory.Batch * row, memory.CacheBytes));
        Assert.Single(found.Memory.Select(memory => memory.WeightBytes).Distinct());
        Assert.Equal(found.Memory.OrderByDescending(memory => memory.BytesPerImage), found.Memory);
    }

    [Fact]
    public void An_optimised_folder_shows_what_was_done()
    {
        var source = SourceModel.OpenExport(Path.Combine(Repository.Root, "models", "demo-clip"), ModelPrecision.Quantized);
        var manifest = ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Int8), _output);
        var found = ModelInspector.Inspect(_output, ModelPrecision.Auto, 16);
        Assert.Equal(["optimised"], found.Kinds);
        Assert.Equal(manifest.Done, found.Done);
        Assert.Empty(found.Offers);
        Assert.True(found.Graphs.Sum(graph => graph.WeightBytes.GetValueOrDefault("int8")) > 1_000_000);
        Assert.All(found.Memory, memory => Assert.Equal(0, memory.CacheBytes));
    }

    [Fact]
    public void A_folder_that_is_no_model_says_why()
    {
        Directory.CreateDirectory(_output);
        Assert.Contains("config.json is missing", Assert.Throws<ModelFolderException>(() => ModelInspector.Inspect(_output, ModelPrecision.Auto, 16)).Errors);
    }

    public void Dispose()
    {
        if (Directory.Exists(_output))
            Directory.Delete(_output, recursive: true);
    }
}
