using System.Text.Json;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Worker.Tests.Fixtures;

public sealed class FixtureArchiveTests
{
    [Theory]
    [InlineData("vit-gpt2-tiny", "encoder_model", "decoder_model_merged", "decoder_model", "decoder_with_past_model")]
    [InlineData("clip-tiny", "vision_model", "text_model")]
    [InlineData("siglip", "vision_model", "text_model")]
    [InlineData("siglip2", "vision_model", "text_model")]
    [InlineData("siglip2-naflex")]
    [InlineData("dinov2", "model")]
    [InlineData("blip-captioning", "vision_model", "text_decoder_model_merged", "text_decoder_model", "text_decoder_with_past_model")]
    [InlineData("blip-vqa")]
    [InlineData("florence-2", "vision_encoder", "embed_tokens", "encoder_model", "decoder_model_merged")]
    [InlineData("smolvlm", "vision_encoder", "embed_tokens", "decoder_model_merged")]
    public void A_fixture_holds_a_model_folder_with_its_golden_outputs(string name, params string[] graphs)
    {
        var folder = FixtureArchive.Extract(name);

        Assert.All(graphs, graph => Assert.NotEmpty(OnnxFile.Load(Path.Combine(folder, "onnx", graph + ".onnx")).Graph.Node));
        string[] files = ["config.json", "preprocessor_config.json", "golden/golden.json", "golden/resized.json", "model.safetensors"];
        Assert.All(files, file => Assert.True(File.Exists(Path.Combine(folder, file))));
        Assert.Equal(6, Directory.GetFiles(Path.Combine(folder, "golden", "images")).Length);
        Assert.DoesNotContain(
            Directory.GetFiles(folder, "*", SearchOption.AllDirectories),
            file => file.EndsWith(".parts", StringComparison.Ordinal) || file.EndsWith(".planes", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("siglip2-naflex")]
    [InlineData("dinov2")]
    public void An_embedder_s_holds_the_vectors_of_all_images(string name)
    {
        var tensors = GoldenTensors.Read(Path.Combine(FixtureArchive.Extract(name), "golden", "golden.safetensors"));
        Assert.Equal(6, tensors.Keys.Count(key => key.StartsWith("image_embeds.", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("vit-gpt2-tiny", 50257)]
    [InlineData("clip-tiny", 49408)]
    public void Tokens_that_were_left_out_of_a_tokenizer_are_back(string name, int tokens)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureArchive.Extract(name), "tokenizer.json")));
        var ids = json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().Select(token => token.Value.GetInt32()).ToHashSet();
        Assert.Equal((tokens, 0, tokens - 1), (ids.Count, ids.Min(), ids.Max()));
    }

    [Fact]
    public void A_fixture_is_unpacked_once()
    {
        Assert.Same(FixtureArchive.Extract("clip-tiny"), FixtureArchive.Extract("clip-tiny"));
    }

    [Fact]
    public void An_unknown_fixture_is_named()
    {
        var error = Assert.Throws<FileNotFoundException>(() => FixtureArchive.Extract("no-such-model"));
        Assert.Contains("no-such-model", error.Message);
    }
}
