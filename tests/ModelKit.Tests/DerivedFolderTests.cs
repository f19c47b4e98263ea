using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Tests.Quantization;

namespace VlWorker.ModelKit.Tests;

public sealed class DerivedFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vlworker-derived-").FullName;

    private string Source => Path.Combine(_root, "source");

    private string Other => Path.Combine(_root, "other");

    [Fact]
    public void Graphs_lie_beside_the_originals_with_their_suffix()
    {
        WriteExport();
        var before = File.ReadAllBytes(Path.Combine(Source, "onnx", "vision_model.onnx"));
        Derive(null, ModelPrecision.Q4);

        Assert.Equal([ModelPrecision.Fp32, ModelPrecision.Q4], ModelFolder.Open(Source).Available);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Source, "onnx", "vision_model.onnx")));
        Assert.Empty(Directory.GetDirectories(Source, ".partial*"));
    }

    [Fact]
    public void A_folder_of_their_own_has_configuration_and_tokenizer()
    {
        WriteExport();
        Derive(Other, ModelPrecision.Quantized);
        var folder = ModelFolder.Open(Other);

        Assert.Equal(ModelPrecision.Quantized, folder.Precision);
        Assert.Equal(["config.json", "onnx/text_model_quantized.onnx", "onnx/vision_model_quantized.onnx", "preprocessor_config.json", "tokenizer.json"], folder.Files.Select(file => file.Name));
    }

    [Fact]
    public void What_is_there_is_replaced_only_when_asked()
    {
        WriteExport();
        Derive(null, ModelPrecision.Fp16);

        Assert.Contains("is there already", Assert.Throws<ModelFolderException>(() => Derive(null, ModelPrecision.Fp16)).Message);
        Derive(null, ModelPrecision.Fp16, replace: true);
        Assert.Contains("overwrite the original", Assert.Throws<ModelFolderException>(() => Derive(null, ModelPrecision.Fp32, replace: true)).Message);
    }

    [Fact]
    public void What_is_not_finished_leaves_nothing()
    {
        WriteExport();
        using (var target = DerivedFolder.Create(ModelFolder.Open(Source), Other, ModelPrecision.Q8, replace: false))
            target.Write("vision_model", SmallGraphs.Linear());

        Assert.False(Directory.Exists(Other));
    }

    [Fact]
    public void An_optimised_folder_keeps_its_names_and_its_manifest_says_what_was_done()
    {
        WriteExport();
        File.Move(Path.Combine(Source, "onnx", "vision_model.onnx"), Path.Combine(Source, "onnx", "vision.onnx"));
        File.Move(Path.Combine(Source, "onnx", "text_model.onnx"), Path.Combine(Source, "onnx", "text.onnx"));
        var graphs = new Dictionary<string, string> { ["vision"] = "onnx/vision.onnx", ["text"] = "onnx/text.onnx" };
        new ModelManifest("test", "clip", "cpu", "fp32", "cpu-1", new ModelSource("export", new string('0', 64), []), ["Built."], graphs).Write(Source);

        Assert.Contains("overwrite", Assert.Throws<ModelFolderException>(() => Derive(null, ModelPrecision.Q4)).Message);
        Derive(Other, ModelPrecision.Q4);
        var folder = ModelFolder.Open(Other);
        Assert.Equal(ModelPrecision.Q4, folder.Precision);
        Assert.Equal(["Built.", "Done."], folder.Manifest!.Done);
        Assert.Equal("cpu-1", folder.Manifest.Layout);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Derive(string? target, ModelPrecision precision, bool replace = false)
    {
        var source = ModelFolder.Open(Source);
        using var derived = DerivedFolder.Create(source, target, precision, replace);
        foreach (var name in source.Graphs.Keys)
            Assert.True(File.Exists(derived.Write(name, SmallGraphs.Linear())));
        derived.Finish("Done.");
    }

    private void WriteExport()
    {
        Directory.CreateDirectory(Path.Combine(Source, "onnx"));
        File.WriteAllText(Path.Combine(Source, "config.json"), """{ "model_type": "clip" }""");
        File.WriteAllText(Path.Combine(Source, "preprocessor_config.json"), "{}");
        File.WriteAllText(Path.Combine(Source, "tokenizer.json"), "{}");
        OnnxFile.Save(SmallGraphs.Linear(), Path.Combine(Source, "onnx", "vision_model.onnx"));
        OnnxFile.Save(SmallGraphs.Linear(), Path.Combine(Source, "onnx", "text_model.onnx"));
    }
}
