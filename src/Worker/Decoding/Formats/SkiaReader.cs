using SkiaSharp;
using VlWorker.Contracts;
using VlWorker.Decoding.Headers;
using VlWorker.Failures;

namespace VlWorker.Decoding.Formats;

/// <summary>Decodes JPEG, WebP and BMP through Skia's codecs.</summary>
/// <remarks>
/// Alpha is dropped, not blended, so pixels must come out unpremultiplied: premultiplied ones have lost the colours under alpha. No colour
/// space is asked for, so embedded profiles are not applied, as Pillow does not apply them either.
/// </remarks>
internal static unsafe class SkiaReader
{
    /// <summary>Decodes band by band; for codecs that decode from top to bottom in one go.</summary>
    public static void ReadBands(ReadOnlyMemory<byte> encoded, ImageHeader header, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        using var pinned = encoded.Pin();
        using var data = SKData.Create((IntPtr)pinned.Pointer, encoded.Length);
        using var codec = Open(data, header);
        var stride = header.Width * 4;
        var bandRows = RowReader.BandRows(header.Width, header.Height);
        var band = scratch.Rent(RowReader.BandMemory(header.Width, header.Height));
        try
        {
            var started = codec.StartScanlineDecode(Pixels(codec, header));
            if (started != SKCodecResult.Success)
                throw Failed(started, header);
            for (var row = 0; row < header.Height; row += bandRows)
            {
                cancellation.ThrowIfCancellationRequested();
                var rows = Math.Min(bandRows, header.Height - row);
                if (codec.GetScanlines((IntPtr)band.Pointer, rows, stride) != rows)
                    throw Failed(SKCodecResult.IncompleteInput, header);
                sink(band.Pointer, stride, rows);
            }
        }
        finally
        {
            scratch.Return(band);
        }
    }

    /// <summary>Decodes the first frame whole; for codecs that can't stop in between.</summary>
    public static void ReadFrame(ReadOnlyMemory<byte> encoded, ImageHeader header, DecoderScratch scratch, RowSink sink)
    {
        using var pinned = encoded.Pin();
        using var data = SKData.Create((IntPtr)pinned.Pointer, encoded.Length);
        using var codec = Open(data, header);
        var stride = header.Width * 4;
        var frame = scratch.Rent(((long)stride * header.Height) + RowReader.Slack);
        try
        {
            var result = codec.GetPixels(Pixels(codec, header), (IntPtr)frame.Pointer, stride, SKCodecOptions.Default);
            if (result != SKCodecResult.Success)
                throw Failed(result, header);
            if (header.Format == ImageFormat.Bmp)
                BmpColors.Correct(encoded.Span, frame.Pointer, (long)header.Width * header.Height);
            sink(frame.Pointer, stride, header.Height);
        }
        finally
        {
            scratch.Return(frame);
        }
    }

    private static SKCodec Open(SKData data, ImageHeader header)
    {
        var codec = SKCodec.Create(data) ?? throw ImageHeader.Corrupt(header.FormatName, "its header can't be read");
        if (codec.EncodedFormat == Encoded(header.Format) && (codec.Info.Width, codec.Info.Height) == (header.Width, header.Height))
            return codec;
        var what = $"its header declares {header.Width} x {header.Height} pixels, the decoder found {codec.Info.Width} x {codec.Info.Height}";
        codec.Dispose();
        throw ImageHeader.Corrupt(header.FormatName, what);
    }

    private static SKImageInfo Pixels(SKCodec codec, ImageHeader header) => new(
        header.Width,
        header.Height,
        SKColorType.Rgba8888,
        codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);

    private static RejectedException Failed(SKCodecResult result, ImageHeader header) => result switch
    {
        SKCodecResult.IncompleteInput or SKCodecResult.InvalidInput => ImageHeader.Corrupt(header.FormatName, "it is cut short"),
        SKCodecResult.ErrorInInput => ImageHeader.Corrupt(header.FormatName, "its pixels can't be decoded"),
        SKCodecResult.Unimplemented or SKCodecResult.InvalidConversion => new RejectedException(
            RejectionReason.UnsupportedFormat, $"This kind of {header.FormatName} image is not read."),
        _ => ImageHeader.Corrupt(header.FormatName, $"the decoder gave up ({result})"),
    };

    private static SKEncodedImageFormat Encoded(ImageFormat format) => format switch
    {
        ImageFormat.Jpeg => SKEncodedImageFormat.Jpeg,
        ImageFormat.Webp => SKEncodedImageFormat.Webp,
        _ => SKEncodedImageFormat.Bmp,
    };
}
