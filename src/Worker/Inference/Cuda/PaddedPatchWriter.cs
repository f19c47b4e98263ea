using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda;

/// <summary>
/// Lays images with any number of patches out as <see cref="PaddedPatches"/> has them: the bytes as <see cref="SignedPatchWriter"/> does, the
/// weights of their positions, and the mask.
/// </summary>
/// <param name="grid">How many patches an image has.</param>
/// <param name="rows">Rows of learned positions.</param>
/// <param name="columns">Columns of them.</param>
internal sealed class PaddedPatchWriter(PatchGrid grid, int rows, int columns)
{
    /// <summary>Numbers of an image's mask at most.</summary>
    public const int MaskNumbers = 5;

    private readonly PositionWeights _down = new(rows);
    private readonly PositionWeights _across = new(columns);

    /// <summary>Patches of an image, padding included.</summary>
    public int Patches => grid.MaxPatches;

    /// <summary>Bytes of a patch.</summary>
    public int PatchBytes { get; } = 3 * grid.PatchSize * grid.PatchSize;

    /// <summary>Rows of learned positions.</summary>
    public int Rows => rows;

    /// <summary>Columns of learned positions.</summary>
    public int Columns => columns;

    /// <summary>Writes the mask of images that run together.</summary>
    /// <param name="counts">Each image's own patches.</param>
    /// <param name="fused">Whether as <see cref="PaddedPatches.FusedMask"/>; else as <see cref="PaddedPatches.Counts"/>.</param>
    /// <param name="mask">Receives it: <see cref="MaskNumbers"/> an image are enough.</param>
    public void WriteMask(ReadOnlySpan<int> counts, bool fused, Span<int> mask)
    {
        counts.CopyTo(mask);
        for (var i = 0; fused && i <= counts.Length; i++)
            mask[counts.Length + i] = mask[(2 * counts.Length) + 1 + i] = i * Patches;
    }

    /// <summary>Writes one image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="pixels">[patches, bytes]; what is there stays there behind the image's own patches, for it is hidden.</param>
    /// <param name="rowWeights">[patches, rows].</param>
    /// <param name="columnWeights">[patches, columns].</param>
    /// <returns>The image's own patches.</returns>
    public int Write(PreparedPixels image, Span<byte> pixels, Span<float> rowWeights, Span<float> columnWeights)
    {
        var writer = new SignedPatchWriter(image.Width, image.Height, grid.PatchSize, classToken: false);
        writer.Write(image, pixels);
        var (down, across) = (_down.Of(image.Height / grid.PatchSize), _across.Of(image.Width / grid.PatchSize));
        var width = across.Length / columns;
        for (var patch = 0; patch < writer.Rows; patch++)
        {
            down.AsSpan(patch / width * rows, rows).CopyTo(rowWeights[(patch * rows)..]);
            across.AsSpan(patch % width * columns, columns).CopyTo(columnWeights[(patch * columns)..]);
        }

        rowWeights[(writer.Rows * rows)..].Clear();
        columnWeights[(writer.Rows * columns)..].Clear();
        return writer.Rows;
    }
}
