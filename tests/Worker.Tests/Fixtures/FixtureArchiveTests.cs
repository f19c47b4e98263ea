namespace VlWorker.Worker.Tests.Fixtures;

public sealed class FixtureArchiveTests
{
    [Theory]
    [InlineData("vit-gpt2-tiny", "encoder_model", "decoder_model_merged", "decoder_model", "decoder_with_past_model")]
    [InlineData("clip-tiny", "vision_model", "text_model")]
    public void A_fixture_holds_a_model_folder_with_its_golden_outputs(string name, params string[] graphs)
    {
        var folder = FixtureArchive.Extract(name);

        Assert.All(graphs, graph => Assert.True(File.Exists(Path.Combine(folder, "onnx", graph + ".onnx"))));
        string[] files = ["config.json", "preprocessor_config.json", "tokenizer.json", "golden/golden.json"];
        Assert.All(files, file => Assert.True(File.Exists(Path.Combine(folder, file))));
        Assert.Equal(6, Directory.GetFiles(Path.Combine(folder, "golden", "images")).Length);
        var tensors = GoldenTensors.Read(Path.Combine(folder, "golden", "golden.safetensors"));
        Assert.Equal(6, tensors.Keys.Count(key => key.StartsWith("image_embeds.", StringComparison.Ordinal)));
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
