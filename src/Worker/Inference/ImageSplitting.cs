using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>Whether images are cut into tiles.</summary>
internal enum ImageSplitting
{
    /// <summary>As the model's own file says.</summary>
    Auto,

    /// <summary>They are.</summary>
    On,

    /// <summary>They are seen as a whole.</summary>
    Off,
}

/// <summary>What the setting does.</summary>
internal static class ImageSplittings
{
    /// <summary>A model's preparation of images with the setting in force.</summary>
    public static PreprocessorConfig Apply(this ImageSplitting splitting, PreprocessorConfig images) =>
        splitting == ImageSplitting.Auto || images.Resize.Tiling is not { } tiling
            ? images
            : images with { Resize = images.Resize with { Tiling = tiling with { Split = splitting == ImageSplitting.On } } };
}
