namespace VlWorker.Demo.Gallery;

/// <summary>What keeps the page small: thumbnails shrink as images grow in number, and beyond a number images are left out.</summary>
internal static class GalleryLimits
{
    /// <summary>Images in the page at most; results.jsonl always has all.</summary>
    public const int Images = 10_000;

    /// <summary>Texts that can be searched by meaning, queries included.</summary>
    public const int Texts = 1_000;

    /// <summary>Rejected or skipped files listed at most, of each kind.</summary>
    public const int Notes = 5_000;

    /// <summary>Regions drawn over an image.</summary>
    public const int Regions = 200;

    /// <summary>Neighbours kept for an image.</summary>
    public const int Neighbours = 12;

    /// <summary>Longest side of a thumbnail in pixels: up to 8 MB of page for 500 photographs, 27 MB for 3,000, 45 MB for 10,000.</summary>
    public static int ThumbnailSide(int images) => images switch
    {
        <= 500 => 320,
        <= 3_000 => 224,
        _ => 144,
    };
}
