namespace VlWorker.ModelKit.Configuration;

/// <summary>The defaults of one image processor of transformers 4.57 (the slow, Pillow-based one), for fields that a file leaves out.</summary>
/// <param name="Size">Side of the square, or the shortest edge.</param>
/// <param name="BareSizeIsShortestEdge">Whether a bare number as size means the shortest edge; otherwise it means a square.</param>
/// <param name="TakesShortestEdge">Whether the processor takes {"shortest_edge": n}.</param>
/// <param name="Crop">Side of the centre crop; null for processors without one, which ignore the crop fields.</param>
/// <param name="Resample">Pillow's filter number.</param>
/// <param name="Mean">Means of red, green, blue.</param>
/// <param name="Std">Deviations of red, green, blue.</param>
internal sealed record PreprocessorDefaults(
    int Size,
    bool BareSizeIsShortestEdge,
    bool TakesShortestEdge,
    int? Crop,
    int Resample,
    float[] Mean,
    float[] Std)
{
    private const int Lanczos = 1;
    private const int Bilinear = 2;
    private const int Bicubic = 3;

    private static readonly float[] Half = [0.5f, 0.5f, 0.5f];
    private static readonly float[] ClipMean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] ClipStd = [0.26862954f, 0.26130258f, 0.27577711f];

    private static readonly Dictionary<string, PreprocessorDefaults> ByProcessor = new(StringComparer.Ordinal)
    {
        ["ViTImageProcessor"] = new(224, false, false, null, Bilinear, Half, Half),
        ["DeiTImageProcessor"] = new(256, false, false, 224, Bicubic, Half, Half),
        ["CLIPImageProcessor"] = new(224, true, true, 224, Bicubic, ClipMean, ClipStd),
        ["BitImageProcessor"] = new(224, true, true, 224, Bicubic, ClipMean, ClipStd),
        ["BlipImageProcessor"] = new(384, false, false, null, Bicubic, ClipMean, ClipStd),
        ["SiglipImageProcessor"] = new(224, false, false, null, Bicubic, Half, Half),
        ["Siglip2ImageProcessor"] = new(256, false, false, null, Bilinear, Half, Half) { Grid = new PatchGrid(16, 256) },
        ["Idefics3ImageProcessor"] = new(4 * 364, false, false, null, Lanczos, Half, Half) { Tile = 364 },
        ["SmolVLMImageProcessor"] = new(4 * 364, false, false, null, Lanczos, Half, Half) { Tile = 364 },
    };

    private static readonly Dictionary<string, string> ByModelType = new(StringComparer.Ordinal)
    {
        ["vit"] = "ViTImageProcessor",
        ["deit"] = "DeiTImageProcessor",
        ["clip"] = "CLIPImageProcessor",
        ["florence2"] = "CLIPImageProcessor",
        ["dinov2"] = "BitImageProcessor",
        ["blip"] = "BlipImageProcessor",
        ["siglip"] = "SiglipImageProcessor",
        ["siglip2"] = "Siglip2ImageProcessor",
        ["idefics3"] = "Idefics3ImageProcessor",
        ["smolvlm"] = "SmolVLMImageProcessor",
    };

    /// <summary>Side of a tile, for processors that cut images into tiles or squash them to one; <see cref="Size"/> is then the longest edge.</summary>
    public int? Tile { get; init; }

    /// <summary>For processors that give each image whole patches, as many as it may have.</summary>
    public PatchGrid? Grid { get; init; }

    /// <summary>Finds a processor by its class name; old and fast classes, and transformers 5's for Pillow, are taken for the slow one.</summary>
    /// <exception cref="NotSupportedException">The processor is not implemented.</exception>
    public static PreprocessorDefaults OfProcessor(string name)
    {
        var slow = name.Replace("FeatureExtractor", "ImageProcessor", StringComparison.Ordinal);
        foreach (var ending in (ReadOnlySpan<string>)["Fast", "Pil"])
        {
            if (slow.EndsWith(ending, StringComparison.Ordinal))
                slow = slow[..^ending.Length];
        }

        return ByProcessor.TryGetValue(slow, out var defaults)
            ? defaults
            : throw new NotSupportedException(
                $"The image processor {name} is not supported; supported are {string.Join(", ", ByProcessor.Keys.Order(StringComparer.Ordinal))}.");
    }

    /// <summary>Finds the processor that a kind of model uses when its files name none.</summary>
    /// <exception cref="NotSupportedException">The kind of model is not known.</exception>
    public static PreprocessorDefaults OfModelType(string modelType) => ByModelType.TryGetValue(modelType, out var name)
        ? ByProcessor[name]
        : throw new NotSupportedException(
            $"No image processor is named (image_processor_type), and none is known for the model_type {modelType}.");
}
