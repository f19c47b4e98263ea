using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Decoding;

/// <summary>Limits on images, and what decoding may use of the machine.</summary>
internal sealed record DecodingOptions
{
    public static string Section => "Decoding";

    [Description("Pixels an image may have at most, by its header (width x height). Larger ones are rejected before memory is taken.")]
    [Range(1L, 4_000_000_000L)]
    public long MaxPixels { get; init; } = 100_000_000;

    [Description("Pixels that an image's longer side may have at most, by its header.")]
    [Range(1, 65_535)]
    public int MaxSide { get; init; } = 50_000;

    [Description("Longer side divided by shorter side, at most, by the header.")]
    [Range(1, 65_535)]
    public int MaxAspectRatio { get; init; } = 200;

    [Description("Images decoded at the same time, each on a thread of its own; 0 means one for each processor.")]
    [Range(0, 1024)]
    public int Decoders { get; init; }

    [Description("Decode JPEG with the system's libturbojpeg where it is installed (Debian: libturbojpeg0): the same bytes as without it, in about half the time.")]
    public bool TurboJpeg { get; init; } = true;

    [Description("Bytes of pixels in flight at most: working memory of the images being decoded, and prepared images that wait for their batch.")]
    [Range(1L << 20, 1L << 40)]
    public long PixelBudgetBytes { get; init; } = 256L << 20;
}
