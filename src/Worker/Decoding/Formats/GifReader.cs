using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>
/// Decodes the first frame of a GIF. Skia's codec makes transparent pixels black, while Pillow keeps the colour of the transparent index.
/// </summary>
internal static unsafe class GifReader
{
    // First row and distance of the four passes of interlaced frames.
    private static readonly (int First, int Step)[] Passes = [(0, 8), (4, 8), (2, 4), (1, 2)];

    public static void Read(ReadOnlyMemory<byte> encoded, ImageHeader header, DecoderScratch scratch, RowSink sink, CancellationToken cancellation)
    {
        var gif = GifHeader.Read(encoded.Span);
        var frame = scratch.Rent(Math.Max(1L, (long)gif.FrameWidth * gif.FrameHeight));
        var band = scratch.Rent(RowReader.BandMemory(header.Width, header.Height));
        try
        {
            GifLzw.Decode(encoded.Span[gif.Data..], new Span<byte>(frame.Pointer, gif.FrameWidth * gif.FrameHeight));
            var palette = Colors.Palette(encoded.Span[gif.Colors]);
            var bandRows = RowReader.BandRows(header.Width, header.Height);
            for (var row = 0; row < header.Height; row += bandRows)
            {
                cancellation.ThrowIfCancellationRequested();
                var count = Math.Min(bandRows, header.Height - row);
                for (var i = 0; i < count; i++)
                    Compose(gif, frame.Pointer, palette, row + i, new Span<uint>(band.Pointer + ((nint)i * header.Width * 4), header.Width));
                sink(band.Pointer, header.Width * 4, count);
            }
        }
        finally
        {
            scratch.Return(frame);
            scratch.Return(band);
        }
    }

    private static void Compose(GifHeader gif, byte* frame, uint[] palette, int row, Span<uint> target)
    {
        var frameRow = row - gif.FrameTop;
        if (frameRow < 0 || frameRow >= gif.FrameHeight)
        {
            target.Fill(palette[gif.Background]);
            return;
        }

        if (gif.FrameWidth < gif.Width)
            target.Fill(palette[gif.Background]);
        var source = new ReadOnlySpan<byte>(
            frame + ((nint)(gif.Interlaced ? Stored(frameRow, gif.FrameHeight) : frameRow) * gif.FrameWidth), gif.FrameWidth);
        for (var i = 0; i < source.Length; i++)
            target[gif.FrameLeft + i] = palette[source[i]];
    }

    // Where an interlaced frame's row is stored.
    private static int Stored(int row, int height)
    {
        var before = 0;
        foreach (var (first, step) in Passes)
        {
            if (row % step == first)
                return before + ((row - first) / step);
            before += (height - first + step - 1) / step;
        }

        throw new ArgumentOutOfRangeException(nameof(row));
    }
}
