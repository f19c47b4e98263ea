using VlWorker.Decoding;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Engine;

/// <summary>Lays an image's bytes out as the patches of <see cref="CpuVision.Patches"/>: copies, no arithmetic.</summary>
/// <param name="size">Side of a patch in pixels.</param>
internal sealed class PatchWriter(int size)
{
    /// <summary>Bytes of a patch.</summary>
    public int PatchBytes { get; } = 3 * size * size;

    /// <summary>Whole patches along a side of so many pixels.</summary>
    public int Along(int length) => length / size;

    /// <summary>Rows that an image takes: its whole patches, and one in front for the class token.</summary>
    public int RowsOf(int width, int height) => 1 + (Along(width) * Along(height));

    /// <summary>Writes one image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="rows">As many bytes as its rows take.</param>
    /// <param name="frame">Which of its frames.</param>
    public void Write(PreparedPixels image, Span<byte> rows, int frame = 0)
    {
        var (across, down, line) = (image.Width / size, image.Height / size, 3 * size);
        var rgb = image.Frame(frame);
        rows[..PatchBytes].Fill(CpuVision.Middle);
        for (var y = 0; y < down * size; y++)
        {
            var source = rgb.Slice(y * image.Width * 3, across * line);
            var target = rows[(PatchBytes * (1 + (y / size * across)) + (y % size * line))..];
            for (var x = 0; x < across; x++)
                source.Slice(x * line, line).CopyTo(target[(x * PatchBytes)..]);
        }
    }
}
