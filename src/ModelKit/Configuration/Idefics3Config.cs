namespace VlWorker.ModelKit.Configuration;

/// <summary>What config.json of Idefics3 and SmolVLM says beside its two models.</summary>
internal static class Idefics3Config
{
    /// <summary>The side of the squares of patches that become one feature.</summary>
    /// <exception cref="InvalidDataException">It can't be, or does not divide the image's patches.</exception>
    public static int Scale(JsonFile config)
    {
        var vision = VisionConfig.ReadIdefics3(config);
        var side = vision.ImageWidth / vision.PatchSize;
        var scale = config.Int32("scale_factor") ?? 2;
        return scale > 0 && vision.ImageWidth == vision.ImageHeight && side % scale == 0
            ? scale
            : throw new InvalidDataException($"scale_factor in config.json is {scale}, which does not divide an image of {side} patches a side");
    }
}
