namespace VlWorker.ModelKit.Tests;

public sealed class ModelManifestTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-manifest-").FullName;

    public ModelManifestTests()
    {
        Write("config.json", """{"model_type": "clip"}""");
        Write("preprocessor_config.json", "{}");
        Write("tokenizer.json", "{}");
        Write("onnx/vision.onnx", "v");
        Write("onnx/text.onnx", "t");
    }

    [Fact]
    public void A_folder_with_a_manifest_has_the_graphs_that_it_names()
    {
        Make().Write(_folder);
        var folder = ModelFolder.Open(_folder);
        Assert.Equal("cpu-1", folder.Manifest!.Layout);
        Assert.Equal(ModelPrecision.Quantized, folder.Precision);
        Assert.Equal(Path.Combine(folder.Path, "onnx", "vision.onnx"), folder.Graphs["vision"]);
        Assert.Equal(
            ["config.json", "onnx/text.onnx", "onnx/vision.onnx", "preprocessor_config.json", "tokenizer.json", "vlworker.json"],
            folder.Files.Select(file => file.Name));
        Assert.Equal(["a", "b"], folder.Manifest.Source.Files);
    }

    [Fact]
    public void The_manifest_is_part_of_the_revision()
    {
        Make().Write(_folder);
        var first = ModelFolder.Open(_folder).ComputeRevision();
        (Make() with { Layout = "cpu-2" }).Write(_folder);
        Assert.NotEqual(first, ModelFolder.Open(_folder).ComputeRevision());
    }

    [Fact]
    public void Another_precision_than_the_folder_s_is_refused()
    {
        Make().Write(_folder);
        Refused("precision fp32 is not there: the folder was optimised to int8", ModelPrecision.Fp32);
    }

    [Theory]
    [InlineData("format", "2", "vlworker.json can't be used: format 2 is not known to this version")]
    [InlineData("precision", "\"int3\"", "precision int3 in vlworker.json is none of ")]
    [InlineData("family", "\"siglip\"", "vlworker.json is of a siglip, config.json of a clip")]
    [InlineData("graphs", """{"vision": "onnx/none.onnx"}""", "onnx/none.onnx, named in vlworker.json, is missing")]
    [InlineData("graphs", """{"vision": "../outside.onnx"}""", "../outside.onnx, named in vlworker.json, is missing")]
    [InlineData("layout", "null", "vlworker.json can't be used: ")]
    [InlineData("source", "7", "vlworker.json can't be used: ")]
    public void A_manifest_that_can_not_be_used_says_why(string property, string value, string reason)
    {
        Make().Write(_folder);
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, ModelManifest.FileName)))!;
        json[property] = System.Text.Json.Nodes.JsonNode.Parse(value);
        Write(ModelManifest.FileName, json.ToJsonString());
        Refused(reason, ModelPrecision.Auto);
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private static ModelManifest Make() => new(
        "test", "clip", "cpu", "int8", "cpu-1", new ModelSource("export", "00", ["a", "b"]), ["Something."],
        new Dictionary<string, string> { ["vision"] = "onnx/vision.onnx", ["text"] = "onnx/text.onnx" });

    private void Refused(string reason, ModelPrecision precision) =>
        Assert.Contains(reason, Assert.Single(Assert.Throws<ModelFolderException>(() => ModelFolder.Open(_folder, precision)).Errors));

    private void Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
