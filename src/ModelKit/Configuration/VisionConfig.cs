using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of an image encoder, as ViTConfig and CLIPVisionConfig of transformers 4.57 name and default them.</summary>
/// <param name="ImageWidth">Pixels.</param>
/// <param name="ImageHeight">Pixels.</param>
/// <param name="PatchSize">Pixels, of both sides.</param>
/// <param name="HiddenSize">Width of the hidden states.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Heads">Attention heads of an unpruned block.</param>
/// <param name="Intermediate">Width of an unpruned block's feed-forward part.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="Epsilon">Of the norms.</param>
/// <param name="Projection">Width of the embedding; null where there is no projection.</param>
internal sealed record VisionConfig(
    int ImageWidth,
    int ImageHeight,
    int PatchSize,
    int HiddenSize,
    int Layers,
    int Heads,
    int Intermediate,
    Activation Activation,
    float Epsilon,
    int? Projection)
{
    private const int Channels = 3;

    /// <summary>ViT: whether query, key and value have biases.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Width of a head.</summary>
    public int HeadSize => HiddenSize / Heads;

    /// <summary>Patches of an image.</summary>
    public int Patches => ImageWidth / PatchSize * (ImageHeight / PatchSize);

    /// <summary>Values of a patch.</summary>
    public int PatchValues => Channels * PatchSize * PatchSize;

    /// <summary>Reads <c>encoder</c> of a vision-encoder-decoder's config.json, which must be a ViT.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadVit(JsonFile config)
    {
        var section = new ConfigSection(config, "encoder");
        section.Require("model_type", "vit");
        return Read(section, new Defaults(16, 1e-12, "gelu"), null);
    }

    /// <summary>Reads <c>vision_config</c> of a CLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadClip(JsonFile config) =>
        Read(new ConfigSection(config, "vision_config"), new Defaults(32, 1e-5, "quick_gelu"), config.Int32("projection_dim") ?? 512);

    /// <summary>Reads <c>vision_config</c> of a SigLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadSiglip(JsonFile config)
    {
        var section = new ConfigSection(config, "vision_config");
        if (!section.Flag("vision_use_head", true))
            throw new NotSupportedException("vision_config.vision_use_head in config.json is false: such a tower gives no vector an image");
        return Read(section, new Defaults(16, 1e-6, "gelu_pytorch_tanh"), null);
    }

    /// <summary>Reads <c>vision_config</c> of a SigLIP 2 NaFlex's config.json: sizes are of the square that its positions were learned for.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadSiglip2(JsonFile config)
    {
        var section = new ConfigSection(config, "vision_config");
        var (places, patch) = (section.Size("num_patches", 256), section.Size("patch_size", 16));
        var side = (int)Math.Sqrt(places);
        if (side * side != places)
            throw section.Wrong("num_patches", "the square of a whole number");
        return ReadSiglip(config) with { ImageWidth = side * patch, ImageHeight = side * patch };
    }

    /// <summary>Reads a DINOv2's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadDinov2(JsonFile config)
    {
        var section = new ConfigSection(config, null);
        if (section.Flag("use_swiglu_ffn", false))
            throw new NotSupportedException("use_swiglu_ffn in config.json is true: only blocks with two linear layers are supported");
        var read = Read(section, new Defaults(14, 1e-6, "gelu"), null);
        return read with { Intermediate = read.HiddenSize * section.Size("mlp_ratio", 4) };
    }

    /// <summary>Reads <c>vision_config</c> of a BLIP's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadBlip(JsonFile config) => Read(new ConfigSection(config, "vision_config"), new Defaults(16, 1e-5, "gelu", 384), null);

    /// <summary>Reads <c>vision_config</c> of an Idefics3's config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static VisionConfig ReadIdefics3(JsonFile config)
    {
        var defaults = new Defaults(32, 1e-6, "gelu_pytorch_tanh") { HiddenSize = 1152, Heads = 16 };
        return Read(new ConfigSection(config, "vision_config"), defaults, null) with { QkvBias = true };
    }

    private static VisionConfig Read(ConfigSection section, Defaults defaults, int? projection)
    {
        var (height, width) = section.Extent("image_size", defaults.ImageSize);
        var (patch, patchWidth) = section.Extent("patch_size", defaults.PatchSize);
        var hidden = section.Size("hidden_size", defaults.HiddenSize);
        var heads = section.Size("num_attention_heads", defaults.Heads);
        if (patch != patchWidth)
            throw section.Wrong("patch_size", "square");
        if (section.Size("num_channels", Channels) != Channels)
            throw section.Wrong("num_channels", "3");
        if (patch > width || patch > height)
            throw section.Wrong("patch_size", "smaller than the image");
        if (hidden % heads != 0)
            throw section.Wrong("hidden_size", "a multiple of num_attention_heads");
        return new VisionConfig(
            width, height, patch, hidden, section.Size("num_hidden_layers", 12), heads, section.Size("intermediate_size", 3072),
            ActivationName.Read(section, "hidden_act", defaults.Activation), section.Positive("layer_norm_eps", defaults.Epsilon), projection)
        {
            QkvBias = section.Flag("qkv_bias", true),
        };
    }

    /// <summary>Where the configs differ.</summary>
    private sealed record Defaults(int PatchSize, double Epsilon, string Activation, int ImageSize = 224)
    {
        public int HiddenSize { get; init; } = 768;

        public int Heads { get; init; } = 12;
    }
}
