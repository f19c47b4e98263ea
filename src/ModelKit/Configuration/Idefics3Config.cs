namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of Idefics3 and SmolVLM.</summary>
/// <param name="Vision">The image tower, for square images.</param>
/// <param name="Text">The text model.</param>
/// <param name="Scale">The side of the squares of patches that become one feature.</param>
internal sealed record Idefics3Config(VisionConfig Vision, LlamaConfig Text, int Scale)
{
    /// <summary>Features of an image.</summary>
    public int Features => Vision.Patches / (Scale * Scale);

    /// <summary>Values of which a feature is made.</summary>
    public int FeatureInputs => Vision.HiddenSize * Scale * Scale;

    /// <summary>Reads config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be, or the scale does not divide the image's patches.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static Idefics3Config Read(JsonFile config)
    {
        var (vision, text) = (VisionConfig.ReadIdefics3(config), LlamaConfig.Read(config));
        var side = vision.ImageWidth / vision.PatchSize;
        var scale = config.Int32("scale_factor") ?? 2;
        return scale > 0 && vision.ImageWidth == vision.ImageHeight && side % scale == 0
            ? new Idefics3Config(vision, text, scale)
            : throw new InvalidDataException($"scale_factor in config.json is {scale}, which does not divide an image of {side} patches a side");
    }
}
