using System.Security.Cryptography;
using System.Text;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Tests;

public sealed class ModelFolderTests : IDisposable
{
    private static readonly string[] Beside = ["preprocessor_config.json", "tokenizer.json"];
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-folder-").FullName;

    [Fact]
    public void A_merged_decoder_is_preferred_to_the_pair()
    {
        Captioner("encoder_model", "decoder_model_merged", "decoder_model", "decoder_with_past_model");
        Assert.Equal(["decoder_model_merged", "encoder_model"], ModelFolder.Open(_folder).Graphs.Keys.Order());
    }

    [Fact]
    public void The_pair_will_do()
    {
        Captioner("encoder_model", "decoder_model", "decoder_with_past_model");
        var folder = ModelFolder.Open(_folder);
        Assert.Equal(["decoder_model", "decoder_with_past_model", "encoder_model"], folder.Graphs.Keys.Order());
        Assert.All(folder.Graphs.Values, path => Assert.True(File.Exists(path)));
    }

    [Fact]
    public void Auto_takes_the_most_faithful_precision_that_is_complete()
    {
        Captioner("encoder_model_quantized", "decoder_model_merged_quantized", "encoder_model_fp16", "decoder_model_merged_fp16", "encoder_model");
        var folder = ModelFolder.Open(_folder);
        Assert.Equal(ModelPrecision.Quantized, folder.Precision);
        Assert.Equal([ModelPrecision.Quantized, ModelPrecision.Fp16], folder.Available);
        Write("onnx/decoder_model_merged.onnx", "x");
        Assert.Equal(ModelPrecision.Fp32, ModelFolder.Open(_folder).Precision);
        Assert.EndsWith("encoder_model_fp16.onnx", ModelFolder.Open(_folder, ModelPrecision.Fp16).Graphs["encoder_model"]);
    }

    [Fact]
    public void Everything_that_is_missing_is_named_at_once()
    {
        Write("config.json", """{"model_type": "vision-encoder-decoder"}""");
        Write("onnx/encoder_model_quantized.onnx", "x");
        var error = Assert.Throws<ModelFolderException>(() => ModelFolder.Open(_folder));
        Assert.Equal(
            ["onnx/decoder_model_merged_quantized.onnx is missing", "preprocessor_config.json is missing", "tokenizer.json is missing"],
            error.Errors.Order(StringComparer.Ordinal));
        Assert.All(error.Errors, line => Assert.Contains(line, error.Message));
    }

    [Fact]
    public void What_transformers_5_writes_of_the_processor_stands_for_the_file_of_before()
    {
        Captioner("encoder_model", "decoder_model_merged");
        Write("processor_config.json", """{"image_seq_len": 4}""");
        Assert.DoesNotContain("processor_config.json", ModelFolder.Open(_folder).Files.Select(file => file.Name));
        Write("processor_config.json", """{"image_processor": {"image_processor_type": "ViTImageProcessor"}}""");
        File.Delete(Path.Combine(_folder, "preprocessor_config.json"));
        Assert.Contains("processor_config.json", ModelFolder.Open(_folder).Files.Select(file => file.Name));
    }

    [Fact]
    public void A_precision_that_is_not_there_is_named_with_those_that_are()
    {
        Captioner("encoder_model", "decoder_model_merged");
        var error = Assert.Throws<ModelFolderException>(() => ModelFolder.Open(_folder, ModelPrecision.Fp16));
        Assert.Contains("onnx/encoder_model_fp16.onnx is missing", error.Errors);
        Assert.Contains("precision fp16 is not there, but fp32 is", error.Errors);
    }

    [Theory]
    [InlineData("""{"model_type": "llama"}""", "model_type llama in config.json is none of vision-encoder-decoder, clip")]
    [InlineData("""{"architectures": []}""", "config.json names no model_type")]
    [InlineData("[1]", "config.json can't be read: it is not an object")]
    [InlineData("{", "config.json can't be read")]
    public void A_folder_that_is_no_known_model_says_why(string config, string reason)
    {
        Write("config.json", config);
        Assert.Contains(reason, Assert.Single(Assert.Throws<ModelFolderException>(() => ModelFolder.Open(_folder)).Errors));
    }

    [Theory]
    [InlineData("BlipForQuestionAnswering", "blip-vqa")]
    [InlineData("BlipForConditionalGeneration", "blip")]
    public void Families_of_one_model_type_are_told_by_their_architecture(string architecture, string family)
    {
        var config = JsonFile.Parse("config.json", Encoding.UTF8.GetBytes($$"""{"model_type": "blip", "architectures": ["{{architecture}}"]}"""));
        Assert.Equal(family, ModelFolder.FindFamily(config, [])!.Name);
    }

    [Fact]
    public void A_folder_that_is_not_there_says_so() =>
        Assert.Equal(["the folder does not exist"], Assert.Throws<ModelFolderException>(() => ModelFolder.Open(_folder + "-not")).Errors);

    [Fact]
    public void The_revision_is_the_hash_that_its_documentation_describes()
    {
        Captioner("encoder_model", "decoder_model_merged");
        var folder = ModelFolder.Open(_folder);
        using var content = new MemoryStream();
        foreach (var name in folder.Files.Select(file => file.Name))
        {
            var bytes = File.ReadAllBytes(Path.Combine(_folder, name));
            content.Write([0, 0, 0, (byte)name.Length]);
            content.Write(Encoding.UTF8.GetBytes(name));
            content.Write([0, 0, 0, 0, 0, 0, 0, (byte)bytes.Length]);
            content.Write(bytes);
        }

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content.ToArray())), folder.ComputeRevision());
    }

    [Fact]
    public void The_revision_follows_the_files_in_use_and_no_others()
    {
        Captioner("encoder_model", "decoder_model_merged", "encoder_model_quantized", "decoder_model_merged_quantized");
        var fp32 = ModelFolder.Open(_folder, ModelPrecision.Fp32).ComputeRevision();
        Write("README.md", "something else");
        Assert.Equal(fp32, ModelFolder.Open(_folder, ModelPrecision.Fp32).ComputeRevision());
        Assert.NotEqual(fp32, ModelFolder.Open(_folder, ModelPrecision.Quantized).ComputeRevision());
        Write("onnx/encoder_model.onnx_data", "weights");
        var withData = ModelFolder.Open(_folder, ModelPrecision.Fp32);
        Assert.Contains(withData.Files, file => file is { Name: "onnx/encoder_model.onnx_data", Bytes: 7 });
        Assert.NotEqual(fp32, withData.ComputeRevision());
    }

    [Fact]
    public void Inspecting_tells_all_of_it()
    {
        Captioner("encoder_model", "decoder_model_merged");
        var (folder, family, precision, available, revision, files) = ModelFolder.Open(_folder).Inspect();
        Assert.Equal((Path.GetFullPath(_folder), "vision-encoder-decoder", ModelPrecision.Fp32), (folder, family, precision));
        Assert.Equal([ModelPrecision.Fp32], available);
        Assert.Equal(64, revision.Length);
        Assert.Equal(["config.json", "onnx/decoder_model_merged.onnx", "onnx/encoder_model.onnx", .. Beside], files.Select(file => file.Name));
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private void Captioner(params string[] graphs)
    {
        Write("config.json", """{"model_type": "vision-encoder-decoder"}""");
        foreach (var name in Beside)
            Write(name, "{}");
        foreach (var graph in graphs)
            Write($"onnx/{graph}.onnx", graph);
    }

    private void Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
