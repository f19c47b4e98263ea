using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class PatchWriterTests
{
    [Fact]
    public void Patches_come_row_by_row_behind_a_grey_one_and_what_makes_no_patch_is_left_out()
    {
        const int Size = 4;
        const int Width = 14; // three patches and two columns
        const int Height = 9; // two patches and a row
        var rgb = new PooledBuffer(Width * Height * 3);
        for (var i = 0; i < rgb.Length; i++)
            rgb.Span[i] = (byte)(i * 7);
        using var image = new PreparedPixels(Width, Height, rgb, null);
        var writer = new PatchWriter(Size);
        Assert.Equal(7, writer.RowsOf(Width, Height));
        var rows = new byte[7 * writer.PatchBytes];

        writer.Write(image, rows);

        Assert.All(rows[..writer.PatchBytes], value => Assert.Equal(128, value));
        for (var i = writer.PatchBytes; i < rows.Length; i++)
        {
            var (patch, place, channel) = ((i / writer.PatchBytes) - 1, i % writer.PatchBytes / 3, i % 3);
            var (y, x) = ((patch / 3 * Size) + (place / Size), (patch % 3 * Size) + (place % Size));
            Assert.Equal(image.Rgb[(((y * Width) + x) * 3) + channel], rows[i]);
        }
    }
}
