using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Tests.Checkpoints;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Conversion;

public sealed class ModelConverterTests : IDisposable
{
    private static readonly ConversionOptions Fp32 = new(ConversionTarget.Cpu, ConversionPrecision.Fp32);
    private readonly string _root = Directory.CreateTempSubdirectory("vlworker-convert-").FullName;

    private string Source => Path.Combine(_root, "tiny");

    private string Output => Path.Combine(_root, "out");

    [Fact]
    public void An_optimised_folder_opens_as_a_model_with_what_its_manifest_says()
    {
        WriteCheckpoint();
        var manifest = ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32, Output);
        var errors = new List<string>();
        var read = ModelManifest.Read(Output, errors)!;

        Assert.Empty(errors);
        Assert.Equal(("vision-encoder-decoder", "cpu", "fp32", "checkpoint"), (read.Family, read.Target, read.Precision, read.Source.Kind));
        Assert.Equal(manifest.Layout, read.Layout);
        Assert.Equal(["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"], read.Source.Files);
        Assert.Matches("^[0-9a-f]{64}$", read.Source.Sha256);
        Assert.All(read.Done, sentence => Assert.EndsWith(".", sentence));
        Assert.All(read.Graphs.Values, file => Assert.NotEmpty(OnnxFile.Load(Path.Combine(Output, file)).Graph.Node));
        Assert.Equal(File.ReadAllBytes(Path.Combine(Source, "config.json")), File.ReadAllBytes(Path.Combine(Output, "config.json")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(Source, "tokenizer.json")), File.ReadAllBytes(Path.Combine(Output, "tokenizer.json")));
    }

    [Fact]
    public void An_optimised_model_is_replaced_and_anything_else_is_left_alone()
    {
        WriteCheckpoint();
        ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32, Output);
        ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32 with { Precision = ConversionPrecision.Int8 }, Output);
        Assert.Equal("int8", ModelManifest.Read(Output, [])!.Precision);

        var before = Directory.GetFiles(Source);
        var error = Assert.Throws<IOException>(() => ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32, Source));
        Assert.Contains("is no optimised model", error.Message);
        Assert.Equal(before, Directory.GetFiles(Source));
    }

    [Fact]
    public void A_conversion_that_fails_leaves_nothing()
    {
        WriteCheckpoint(tensors => tensors.Remove("encoder.layernorm.weight"));
        var error = Assert.Throws<ModelFolderException>(() => ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32, Output));
        Assert.Equal(["tensor encoder.layernorm.weight is missing"], error.Errors);
        Assert.Equal([Source], Directory.GetFileSystemEntries(_root));
    }

    [Fact]
    public void A_precision_that_the_target_has_not_is_refused_with_those_that_it_has()
    {
        WriteCheckpoint();
        var error = Assert.Throws<ModelFolderException>(() =>
            ModelConverter.Convert(SourceModel.OpenCheckpoint(Source), Fp32 with { Precision = ConversionPrecision.Fp16 }, Output));
        Assert.Equal(["vision-encoder-decoder is built for cpu in fp32 and int8, not in fp16"], error.Errors);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void A_folder_without_weights_says_everything_that_it_lacks()
    {
        Directory.CreateDirectory(Source);
        File.WriteAllText(Path.Combine(Source, "config.json"), TinyModels.CaptionerConfig());
        var error = Assert.Throws<ModelFolderException>(() => SourceModel.OpenCheckpoint(Source));
        Assert.Equal(3, error.Errors.Count);
        Assert.Contains("tokenizer.json is missing", error.Errors);
        Assert.Contains("preprocessor_config.json is missing", error.Errors);
        Assert.Contains("neither model.safetensors nor model.safetensors.index.json", error.Message);
    }

    [Fact]
    public void The_cache_converts_once_for_each_content()
    {
        WriteCheckpoint();
        var cache = new ModelCache(Path.Combine(_root, "cache"));
        var first = cache.GetOrAdd(SourceModel.OpenCheckpoint(Source), Fp32);
        var written = File.GetLastWriteTimeUtc(Path.Combine(first, ModelManifest.FileName));
        var again = cache.GetOrAdd(SourceModel.OpenCheckpoint(Source), Fp32);
        var int8 = cache.GetOrAdd(SourceModel.OpenCheckpoint(Source), Fp32 with { Precision = ConversionPrecision.Int8 });
        WriteCheckpoint(seed: 2);
        var changed = cache.GetOrAdd(SourceModel.OpenCheckpoint(Source), Fp32);

        Assert.Equal(first, again);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(first, ModelManifest.FileName)));
        Assert.Equal(3, new[] { first, int8, changed }.Distinct().Count());
        Assert.Equal(3, Directory.GetDirectories(Path.Combine(_root, "cache")).Length);
    }

    [Fact]
    public void Two_that_convert_at_once_end_with_one_model()
    {
        WriteCheckpoint();
        var cache = new ModelCache(Path.Combine(_root, "cache"));
        var paths = new string[4];
        Parallel.For(0, paths.Length, i => paths[i] = cache.GetOrAdd(SourceModel.OpenCheckpoint(Source), Fp32));
        Assert.Equal(Assert.Single(paths.Distinct()), Assert.Single(Directory.GetDirectories(Path.Combine(_root, "cache"))));
        Assert.NotNull(ModelManifest.Read(paths[0], []));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void WriteCheckpoint(Action<Dictionary<string, Tensor>>? change = null, int seed = 1)
    {
        Directory.CreateDirectory(Source);
        var tensors = TransformersCheckpoint.Of(new TinyModels(seed).Captioner());
        change?.Invoke(tensors);
        TransformersCheckpoint.Write(Source, tensors);
        File.WriteAllText(Path.Combine(Source, "config.json"), TinyModels.CaptionerConfig());
        File.WriteAllText(Path.Combine(Source, "tokenizer.json"), "{}");
        File.WriteAllText(
            Path.Combine(Source, "preprocessor_config.json"),
            """{"image_processor_type": "ViTImageProcessor", "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": 8, "width": 8}}""");
    }
}
