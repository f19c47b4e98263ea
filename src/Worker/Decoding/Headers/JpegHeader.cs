using System.Buffers.Binary;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Decoding.Headers;

/// <summary>Walks a JPEG's segments up to its first scan (ITU-T T.81, annex B).</summary>
internal static class JpegHeader
{
    // Encoders write some ten scans; thousands of empty ones in a small file would cost minutes of CPU time.
    private const int MostScans = 200;

    // libjpeg keeps a few rows of blocks of each component, before and after upsampling.
    private const int LineBytesPerColumn = 256;

    private const byte StartOfScan = 0xDA;

    private static ReadOnlySpan<byte> ScanMarker => [0xFF, StartOfScan];

    public static ImageHeader Read(ReadOnlySpan<byte> encoded)
    {
        var orientation = default(Orientation);
        var seenExif = false;
        var frame = default(ReadOnlySpan<byte>);
        byte frameMarker = 0;
        var at = 2;
        while (true)
        {
            var marker = NextMarker(encoded, ref at);
            var segment = Segment(encoded, at);
            at += segment.Length + 2;
            if (marker == 0xE1 && !seenExif && segment.StartsWith("Exif\0\0"u8))
            {
                seenExif = true;
                orientation = Exif.ReadOrientation(segment[6..]);
            }
            else if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                frame = segment;
                frameMarker = marker;
            }
            else if (marker == StartOfScan)
            {
                return Build(frame, frameMarker, segment, orientation, encoded[at..]);
            }
        }
    }

    private static byte NextMarker(ReadOnlySpan<byte> encoded, ref int at)
    {
        // Between segments, anything up to the next 0xFF is skipped, as libjpeg does; any number of 0xFF may precede the marker.
        while (true)
        {
            var found = encoded[Math.Min(at, encoded.Length)..].IndexOf((byte)0xFF);
            if (found < 0)
                throw ImageHeader.Corrupt("jpeg", "it ends before its first scan");
            at += found;
            while (at < encoded.Length && encoded[at] == 0xFF)
                at++;
            if (at >= encoded.Length)
                throw ImageHeader.Corrupt("jpeg", "it ends before its first scan");
            var marker = encoded[at++];
            if (marker == 0xD9)
                throw ImageHeader.Corrupt("jpeg", "it has no scan");

            // 0x00 is an escaped 0xFF; TEM, RSTn and SOI have no content.
            if (marker is not (0x00 or 0x01 or (>= 0xD0 and <= 0xD8)))
                return marker;
        }
    }

    private static ReadOnlySpan<byte> Segment(ReadOnlySpan<byte> encoded, int at)
    {
        var length = at + 2 <= encoded.Length ? BinaryPrimitives.ReadUInt16BigEndian(encoded[at..]) : 0;
        if (length < 2 || at + length > encoded.Length)
            throw ImageHeader.Corrupt("jpeg", "a segment before the first scan is cut short");
        return encoded.Slice(at + 2, length - 2);
    }

    private static ImageHeader Build(
        ReadOnlySpan<byte> frame, byte frameMarker, ReadOnlySpan<byte> scan, Orientation orientation, ReadOnlySpan<byte> rest)
    {
        if (frame.Length < 6 || scan.IsEmpty || frame.Length < 6 + (3 * frame[5]))
            throw ImageHeader.Corrupt("jpeg", "it has no frame header before its first scan");
        if (frame[0] != 8)
            throw new RejectedException(RejectionReason.UnsupportedFormat, $"JPEG with {frame[0]} bits a sample is not read; 8 are.");
        var height = BinaryPrimitives.ReadUInt16BigEndian(frame[1..]);
        var width = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        var lines = (long)width * LineBytesPerColumn;

        // Progressive images and those with components in scans of their own are held as coefficients until all scans are read.
        var sequential = frameMarker is 0xC0 or 0xC1 or 0xC9 && scan[0] == frame[5];
        if (sequential)
            return new ImageHeader(ImageFormat.Jpeg, width, height, orientation, lines);
        RefuseManyScans(rest);
        return new ImageHeader(ImageFormat.Jpeg, width, height, orientation, lines + Coefficients(frame, width, height));
    }

    private static void RefuseManyScans(ReadOnlySpan<byte> rest)
    {
        var scans = 1;
        for (int found; (found = rest.IndexOf(ScanMarker)) >= 0; rest = rest[(found + 2)..])
            scans++;
        if (scans > MostScans)
            throw new RejectedException(RejectionReason.Corrupt, $"The jpeg image has {scans} scans; at most {MostScans} are accepted.");
    }

    // 64 two-byte coefficients a block of 8 x 8 samples; a component has its sampling factors' share of the samples.
    private static long Coefficients(ReadOnlySpan<byte> frame, int width, int height)
    {
        long samples = 0;
        int widest = 1, tallest = 1;
        for (var component = 0; component < frame[5]; component++)
        {
            var (h, v) = (Math.Max(1, frame[7 + (3 * component)] >> 4), Math.Max(1, frame[7 + (3 * component)] & 15));
            widest = Math.Max(widest, h);
            tallest = Math.Max(tallest, v);
            samples += h * v;
        }

        long side = widest * 8L, other = tallest * 8L;
        var paddedPixels = (width + side - 1) / side * side * ((height + other - 1) / other * other);
        return paddedPixels * samples / (widest * tallest) * 2;
    }
}
