using System.Buffers.Binary;

namespace VlWorker.Decoding.Headers;

/// <summary>What a GIF says before the pixels of its first frame.</summary>
internal sealed class GifHeader
{
    private const byte Extension = 0x21;
    private const byte ImageDescriptor = 0x2C;
    private const byte GraphicControl = 0xF9;

    /// <summary>Columns of the canvas, widened where the first frame reaches beyond it, as in Pillow.</summary>
    public int Width { get; private set; }

    /// <summary>Rows of the canvas, likewise.</summary>
    public int Height { get; private set; }

    /// <summary>The first frame's first column.</summary>
    public int FrameLeft { get; private set; }

    /// <summary>The first frame's first row.</summary>
    public int FrameTop { get; private set; }

    /// <summary>Columns of the first frame.</summary>
    public int FrameWidth { get; private set; }

    /// <summary>Rows of the first frame.</summary>
    public int FrameHeight { get; private set; }

    /// <summary>The frame's rows come in four passes.</summary>
    public bool Interlaced { get; private set; }

    /// <summary>The index that fills the canvas where the frame is not: the transparent one, else 0.</summary>
    public byte Background { get; private set; }

    /// <summary>Where the colours of the first frame lie, three bytes each; empty if there are none.</summary>
    public Range Colors { get; private set; } = ..0;

    /// <summary>Where the first frame's compressed pixels begin.</summary>
    public int Data { get; private set; }

    /// <summary>Reads everything up to the first frame's pixels.</summary>
    /// <exception cref="Failures.RejectedException">There is no frame.</exception>
    public static GifHeader Read(ReadOnlySpan<byte> encoded)
    {
        var header = new GifHeader();
        if (encoded.Length < 13)
            throw NoFrame();
        header.Width = UInt16(encoded, 6);
        header.Height = UInt16(encoded, 8);
        var at = header.TakeColors(encoded, 13, encoded[10]);
        while (at < encoded.Length)
        {
            switch (encoded[at++])
            {
                case Extension:
                    at = header.SkipExtension(encoded, at);
                    break;
                case ImageDescriptor:
                    header.TakeFrame(encoded, at);
                    return header;
                case 0x3B:
                    throw NoFrame();
            }
        }

        throw NoFrame();
    }

    private static Failures.RejectedException NoFrame() => ImageHeader.Corrupt("gif", "it ends before its first frame");

    private static int UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    // A block of flags says whether a table of colours follows, and how large it is.
    private int TakeColors(ReadOnlySpan<byte> encoded, int at, byte flags)
    {
        if ((flags & 0x80) == 0)
            return at;
        var end = at + (3 << ((flags & 7) + 1));
        if (end > encoded.Length)
            throw NoFrame();
        Colors = at..end;
        return end;
    }

    private int SkipExtension(ReadOnlySpan<byte> encoded, int at)
    {
        if (at + 6 < encoded.Length && encoded[at] == GraphicControl && encoded[at + 1] >= 4)
            Background = (encoded[at + 2] & 1) != 0 ? encoded[at + 5] : (byte)0;
        for (at++; at < encoded.Length; at += encoded[at] + 1)
        {
            if (encoded[at] == 0)
                return at + 1;
        }

        return at;
    }

    private void TakeFrame(ReadOnlySpan<byte> encoded, int at)
    {
        if (at + 9 > encoded.Length)
            throw NoFrame();
        (FrameLeft, FrameTop) = (UInt16(encoded, at), UInt16(encoded, at + 2));
        (FrameWidth, FrameHeight) = (UInt16(encoded, at + 4), UInt16(encoded, at + 6));
        (Width, Height) = (Math.Max(Width, FrameLeft + FrameWidth), Math.Max(Height, FrameTop + FrameHeight));
        Interlaced = (encoded[at + 8] & 0x40) != 0;
        Data = TakeColors(encoded, at + 9, encoded[at + 8]);
    }
}
