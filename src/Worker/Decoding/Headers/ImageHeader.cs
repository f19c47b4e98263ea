using System.Buffers.Binary;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Decoding.Headers;

/// <summary>What an image's header declares, read without a decoder: a few bytes decide before any memory is taken.</summary>
/// <param name="Format">The encoding, by its signature.</param>
/// <param name="Width">Pixels a stored row.</param>
/// <param name="Height">Stored rows.</param>
/// <param name="Orientation">From EXIF.</param>
/// <param name="DecoderBytes">Memory that decoding takes, besides the buffers of the resampling: an estimate from above, for the budget.</param>
internal sealed record ImageHeader(ImageFormat Format, int Width, int Height, Orientation Orientation, long DecoderBytes)
{
    /// <summary>Width and height of the upright image.</summary>
    public (int Width, int Height) Upright => Orientation.Transpose ? (Height, Width) : (Width, Height);

    /// <summary>The format's name in messages.</summary>
    public string FormatName => Format switch
    {
        ImageFormat.Jpeg => "jpeg",
        ImageFormat.Png => "png",
        ImageFormat.Webp => "webp",
        ImageFormat.Gif => "gif",
        _ => "bmp",
    };

    /// <summary>Reads the header of an encoded image.</summary>
    /// <exception cref="RejectedException">There is none of a format that is read, or it is damaged.</exception>
    public static ImageHeader Read(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty)
            throw new RejectedException(RejectionReason.Empty, "The object has no bytes.");
        if (encoded.StartsWith(new byte[] { 0xFF, 0xD8, 0xFF }))
            return JpegHeader.Read(encoded);
        if (encoded.StartsWith(PngHeader.Signature))
            return PngHeader.Read(encoded);
        if (encoded.Length >= 12 && encoded.StartsWith("RIFF"u8) && encoded[8..12].SequenceEqual("WEBP"u8))
            return WebpHeader.Read(encoded);
        if (encoded.StartsWith("GIF87a"u8) || encoded.StartsWith("GIF89a"u8))
        {
            var gif = GifHeader.Read(encoded);
            return new ImageHeader(ImageFormat.Gif, gif.Width, gif.Height, default, (long)gif.FrameWidth * gif.FrameHeight);
        }

        if (encoded.StartsWith("BM"u8) && encoded.Length >= 26)
            return ReadBmp(encoded);
        throw new RejectedException(RejectionReason.UnsupportedFormat, $"The bytes are no JPEG, PNG, WebP, GIF or BMP image: {Describe(encoded)}.");
    }

    /// <summary>Refuses what the options forbid.</summary>
    /// <exception cref="RejectedException">A limit is exceeded.</exception>
    public void Check(DecodingOptions options)
    {
        if (Width <= 0 || Height <= 0)
            throw Corrupt(FormatName, $"the header declares {Width} x {Height} pixels");
        if ((long)Width * Height > options.MaxPixels)
        {
            throw new RejectedException(
                RejectionReason.TooManyPixels, $"The header declares {Width} x {Height} pixels; at most {options.MaxPixels} are accepted.");
        }

        var (longer, shorter) = (Math.Max(Width, Height), Math.Min(Width, Height));
        if (longer > options.MaxSide)
        {
            throw new RejectedException(
                RejectionReason.TooManyPixels, $"The header declares {Width} x {Height} pixels; a side may have at most {options.MaxSide}.");
        }

        if (longer > (long)shorter * options.MaxAspectRatio)
        {
            throw new RejectedException(
                RejectionReason.ExtremeAspectRatio,
                $"The header declares {Width} x {Height} pixels; one side may be at most {options.MaxAspectRatio} times the other.");
        }
    }

    /// <summary>The rejection of a damaged image.</summary>
    public static RejectedException Corrupt(string format, string what, Exception? inner = null) =>
        new(RejectionReason.Corrupt, $"The {format} image is damaged: {what}.", inner);

    private static ImageHeader ReadBmp(ReadOnlySpan<byte> encoded)
    {
        // 12 is the oldest header, of OS/2, with 16-bit sides; all later ones begin with the same fields. A negative height means top-down rows.
        var headerSize = BinaryPrimitives.ReadInt32LittleEndian(encoded[14..]);
        if (headerSize is < 12 or > 1024)
            throw new RejectedException(RejectionReason.UnsupportedFormat, $"The bytes begin with BM but are no BMP image: {Describe(encoded)}.");
        int width, height;
        if (headerSize == 12)
        {
            width = BinaryPrimitives.ReadUInt16LittleEndian(encoded[18..]);
            height = BinaryPrimitives.ReadUInt16LittleEndian(encoded[20..]);
        }
        else
        {
            width = BinaryPrimitives.ReadInt32LittleEndian(encoded[18..]);
            height = BinaryPrimitives.ReadInt32LittleEndian(encoded[22..]);
            height = height == int.MinValue ? 0 : Math.Abs(height);
        }

        return new ImageHeader(ImageFormat.Bmp, width, height, default, (long)width * height * 4);
    }

    private static string Describe(ReadOnlySpan<byte> encoded) =>
        $"{encoded.Length} bytes that begin with {Convert.ToHexString(encoded[..Math.Min(8, encoded.Length)])}";
}
