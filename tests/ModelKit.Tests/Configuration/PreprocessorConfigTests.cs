using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Tests.Configuration;

public sealed class PreprocessorConfigTests
{
    private static readonly ResizePlan Clip224 = new(0, 0, 224, 224, 224, 3);

    [Theory]
    [InlineData("ViTImageProcessor", 224, null, null, 2, 0.5f)]
    [InlineData("ViTFeatureExtractor", 224, null, null, 2, 0.5f)]
    [InlineData("ViTImageProcessorFast", 224, null, null, 2, 0.5f)]
    [InlineData("DeiTImageProcessor", 256, null, 224, 3, 0.5f)]
    [InlineData("CLIPImageProcessor", 0, 224, 224, 3, 0.48145466f)]
    [InlineData("CLIPFeatureExtractor", 0, 224, 224, 3, 0.48145466f)]
    [InlineData("BitImageProcessor", 0, 224, 224, 3, 0.48145466f)]
    [InlineData("BlipImageProcessor", 384, null, null, 3, 0.48145466f)]
    [InlineData("SiglipImageProcessor", 224, null, null, 3, 0.5f)]
    [InlineData("SiglipImageProcessorPil", 224, null, null, 3, 0.5f)]
    public void Fields_left_out_have_the_processors_defaults(string processor, int square, int? shortest, int? crop, int resample, float mean)
    {
        var config = PreprocessorConfig.Parse($$"""{ "image_processor_type": "{{processor}}" }""");
        Assert.Equal(new ResizePlan(square, square, shortest, crop, crop, resample), config.Resize);
        Assert.Equal(mean, config.Normalization.MeanR);
        Assert.Equal(1 / 255.0, config.Normalization.RescaleFactor);
    }

    [Theory]
    [InlineData("", 16, 256, 256)]
    [InlineData(", \"patch_size\": 14, \"max_num_patches\": 1000, \"resample\": 2", 14, 1000, 31 * 14)]
    public void NaFlex_takes_whole_patches(string fields, int patch, int most, int square)
    {
        var plan = PreprocessorConfig.Parse($$"""{ "image_processor_type": "Siglip2ImageProcessorFast"{{fields}} }""").Resize;
        Assert.Equal(new ResizePlan(square, square, null, null, null, 2) { Grid = new PatchGrid(patch, most) }, plan);
    }

    [Fact]
    public void NaFlex_images_stay_within_bounds()
    {
        var error = Assert.Throws<NotSupportedException>(() => PreprocessorConfig.Parse(
            """{ "image_processor_type": "Siglip2ImageProcessor", "patch_size": 512, "max_num_patches": 256 }"""));
        Assert.Contains("max_num_patches 256 of 512 pixels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_CLIP_repositories_are_read()
    {
        var config = PreprocessorConfig.Parse("""
            { "crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true, "feature_extractor_type": "CLIPFeatureExtractor",
              "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224 }
            """);
        Assert.Equal(Clip224, config.Resize);
        Assert.Equal(new Normalization(1 / 255.0, 0.48145466f, 0.4578275f, 0.40821073f, 0.26862954f, 0.26130258f, 0.27577711f), config.Normalization);
    }

    [Theory]
    [InlineData("ViTFeatureExtractor", "384", 384, 384, null)]
    [InlineData("ViTImageProcessor", "[200, 300]", 300, 200, null)]
    [InlineData("ViTImageProcessor", """{ "height": 200, "width": 300 }""", 300, 200, null)]
    [InlineData("CLIPImageProcessor", "336", 0, 0, 336)]
    [InlineData("CLIPImageProcessor", """{ "shortest_edge": 256 }""", 0, 0, 256)]
    [InlineData("CLIPImageProcessor", """{ "height": 224, "width": 300 }""", 300, 224, null)]
    public void Size_is_read_in_all_its_forms(string processor, string size, int width, int height, int? shortest)
    {
        var plan = PreprocessorConfig.Parse($$"""{ "image_processor_type": "{{processor}}", "size": {{size}} }""").Resize;
        Assert.Equal((width, height, shortest), (plan.Width, plan.Height, plan.ShortestEdge));
    }

    [Theory]
    [InlineData("224", 224, 224)]
    [InlineData("""{ "height": 96, "width": 128 }""", 128, 96)]
    [InlineData("null", 224, 224)]
    public void Crop_size_is_read_in_all_its_forms(string crop, int width, int height)
    {
        var plan = PreprocessorConfig.Parse($$"""{ "image_processor_type": "CLIPImageProcessor", "crop_size": {{crop}} }""").Resize;
        Assert.Equal((width, height), (plan.CropWidth, plan.CropHeight));
    }

    [Fact]
    public void A_crop_that_is_switched_off_or_that_the_processor_does_not_know_is_left_out()
    {
        var florence = PreprocessorConfig.Parse("""
            { "image_processor_type": "CLIPImageProcessor", "do_center_crop": false, "crop_size": { "height": 128, "width": 128 },
              "size": { "height": 768, "width": 768 } }
            """);
        Assert.Equal(new ResizePlan(768, 768, null, null, null, 3), florence.Resize);
        var vit = PreprocessorConfig.Parse("""{ "image_processor_type": "ViTImageProcessor", "do_center_crop": true, "crop_size": 100 }""");
        Assert.Equal(new ResizePlan(224, 224, null, null, null, 2), vit.Resize);
    }

    [Fact]
    public void A_processor_with_tiles_says_how_it_cuts()
    {
        var idefics = PreprocessorConfig.Parse("""{ "image_processor_type": "Idefics3ImageProcessor", "do_pad": true }""");
        Assert.Equal(new ResizePlan(364, 364, null, null, null, 1) { Tiling = new Tiling(1456, true) }, idefics.Resize);
        var smol = PreprocessorConfig.Parse("""
            { "image_processor_type": "SmolVLMImageProcessorFast", "size": { "longest_edge": 2048 }, "max_image_size": { "longest_edge": 512 },
              "do_image_splitting": false, "resample": 3 }
            """);
        Assert.Equal(new ResizePlan(512, 512, null, null, null, 3) { Tiling = new Tiling(2048, false) }, smol.Resize);
        Assert.NotEqual(smol.Resize, smol.Resize with { Tiling = new Tiling(2048, true) });
    }

    [Fact]
    public void Rescaling_and_normalising_can_be_switched_off()
    {
        var plain = PreprocessorConfig.Parse("""{ "image_processor_type": "ViTImageProcessor", "do_rescale": false, "do_normalize": false }""");
        Assert.Equal(new Normalization(1, 0, 0, 0, 1, 1, 1), plain.Normalization);
        var scaled = PreprocessorConfig.Parse(
            """{ "image_processor_type": "ViTImageProcessor", "rescale_factor": 0.0078, "image_mean": 0.25, "image_std": [0.1, 0.2, 0.3] }""");
        Assert.Equal(new Normalization(0.0078, 0.25f, 0.25f, 0.25f, 0.1f, 0.2f, 0.3f), scaled.Normalization);
    }

    [Theory]
    [InlineData("""{ "model_type": "clip" }""", 224)]
    [InlineData("""{ "model_type": "vision-encoder-decoder", "encoder": { "model_type": "vit" } }""", null)]
    public void The_model_type_decides_where_no_processor_is_named(string config, int? shortest) =>
        Assert.Equal(shortest, PreprocessorConfig.Parse("{ }", config).Resize.ShortestEdge);

    [Theory]
    [InlineData("""{ "image_processor_type": "LlavaImageProcessor" }""", "LlavaImageProcessor")]
    [InlineData("""{ "image_processor_type": "Idefics3ImageProcessor", "size": { "height": 512, "width": 512 } }""", "longest_edge")]
    [InlineData("""{ "image_processor_type": "Idefics3ImageProcessor", "size": { "longest_edge": 5000 } }""", "4096")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "do_resize": false }""", "do_resize")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "do_pad": true }""", "do_pad")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "resample": 0 }""", "resample 0")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "size": { "longest_edge": 224 } }""", "longest_edge")]
    [InlineData("""{ "image_processor_type": "CLIPImageProcessor", "size": { "shortest_edge": 224, "longest_edge": 300 } }""", "longest_edge")]
    [InlineData("""{ "image_processor_type": "CLIPImageProcessor", "do_center_crop": false }""", "shortest_edge")]
    [InlineData("""{ "image_processor_type": "CLIPImageProcessor", "size": 200 }""", "larger than the resized image")]
    public void What_is_not_supported_is_named(string json, string named) =>
        Assert.Contains(named, Assert.Throws<NotSupportedException>(() => PreprocessorConfig.Parse(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("not json", "JSON")]
    [InlineData("[1]", "object")]
    [InlineData("{ }", "image_processor_type")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "size": 0 }""", "size")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "size": { "height": 1, "width": 1.5 } }""", "size.width")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "size": { "shortest_edge": 224 } }""", "size.height")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "do_resize": "yes" }""", "do_resize")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.5] }""", "image_mean")]
    [InlineData("""{ "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0, 0.5] }""", "image_std")]
    public void What_can_not_be_is_named(string json, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => PreprocessorConfig.Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_file_of_the_whole_processor_goes_first_where_it_speaks_of_images()
    {
        var folder = Directory.CreateTempSubdirectory("vl-");
        try
        {
            Write(PreprocessorConfig.FileName, """{ "image_processor_type": "CLIPImageProcessor" }""");
            Write(PreprocessorConfig.ProcessorFileName, """{ "processor_class": "CLIPProcessor", "image_processor": null }""");
            Assert.Equal(Clip224, PreprocessorConfig.Load(folder.FullName).Resize);
            Write(PreprocessorConfig.ProcessorFileName, """
                { "image_processor": { "image_processor_type": "ViTImageProcessor", "size": { "height": 32, "width": 48 } } }
                """);
            Assert.Equal(48, PreprocessorConfig.Load(folder.FullName).Resize.Width);
            File.Delete(Path.Combine(folder.FullName, PreprocessorConfig.FileName));
            Assert.Equal(48, PreprocessorConfig.Load(folder.FullName).Resize.Width);
        }
        finally
        {
            folder.Delete(true);
        }

        void Write(string name, string json) => File.WriteAllText(Path.Combine(folder.FullName, name), json);
    }

    [Fact]
    public void A_folder_without_the_file_is_named()
    {
        var folder = Directory.CreateTempSubdirectory("vl-");
        try
        {
            Assert.Contains(folder.FullName, Assert.Throws<FileNotFoundException>(() => PreprocessorConfig.Load(folder.FullName)).Message, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder.FullName, PreprocessorConfig.FileName), """{ "image_processor_type": "CLIPImageProcessor" }""");
            Assert.Equal(Clip224, PreprocessorConfig.Load(folder.FullName).Resize);
            File.WriteAllText(Path.Combine(folder.FullName, PreprocessorConfig.FileName), "{");
            Assert.Contains(folder.FullName, Assert.Throws<InvalidDataException>(() => PreprocessorConfig.Load(folder.FullName)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(true);
        }
    }
}
