using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding.Resampling;

/// <summary>A plan with tiles applied to one image size, in transformers' arithmetic: aspects are doubles, and what is left over is cut off.</summary>
/// <remarks>
/// <code>
/// image -> first pass: the longest edge -> sheet: whole multiples of the side -> tiles, row by row
///                                                                             -> the whole image at one side
/// </code>
/// Where the image is not cut, the sheet is the one square.
/// </remarks>
/// <param name="Width">Columns after the first pass.</param>
/// <param name="Height">Rows after the first pass.</param>
/// <param name="Side">Side of a tile.</param>
/// <param name="SheetWidth">Columns of the sheet.</param>
/// <param name="SheetHeight">Rows of the sheet.</param>
/// <param name="Resample">Pillow's filter number.</param>
internal readonly record struct TileGeometry(int Width, int Height, int Side, int SheetWidth, int SheetHeight, int Resample)
{
    /// <summary>Rows of tiles; 0 where there is one square.</summary>
    public int Rows => IsCut ? SheetHeight / Side : 0;

    /// <summary>Columns of tiles; 0 where there is one square.</summary>
    public int Columns => IsCut ? SheetWidth / Side : 0;

    /// <summary>Whether there are tiles.</summary>
    public bool IsCut => SheetWidth > Side || SheetHeight > Side;

    /// <summary>Whether the first pass makes the sheet: a second one of the same size would change nothing, and Pillow's does nothing.</summary>
    public bool IsSheet => (Width, Height) == (SheetWidth, SheetHeight);

    /// <summary>Bytes of all frames.</summary>
    public int Bytes => checked(((Rows * Columns) + 1) * Side * Side * 3);

    /// <summary>What is done while the image's rows come in.</summary>
    public ResizePlan FirstPass => Whole(Width, Height, Resample);

    /// <summary>Working memory after the first pass, from above.</summary>
    public long WorkingBytes => (3L * Width * Height) + (3L * SheetWidth * SheetHeight)
        + TileCutter.WorkingBytes(Width, Height, SheetWidth, SheetHeight, Resample)
        + (IsCut ? TileCutter.WorkingBytes(SheetWidth, SheetHeight, Side, Side, Resample) : 0);

    /// <summary>The geometry of an upright image; null where the plan has no tiles.</summary>
    public static TileGeometry? Of(ResizePlan plan, int width, int height)
    {
        if (plan.Tiling is not { } tiling)
            return null;
        var (firstWidth, firstHeight) = Longest(width, height, tiling.LongestEdge);
        var (sheetWidth, sheetHeight) = tiling.Split ? Sheet(firstWidth, firstHeight, plan.Width) : (plan.Width, plan.Width);
        return new TileGeometry(firstWidth, firstHeight, plan.Width, sheetWidth, sheetHeight, plan.Resample);
    }

    /// <summary>A plan that squashes to a size.</summary>
    public static ResizePlan Whole(int width, int height, int resample) => new(width, height, null, null, null, resample);

    // The other side is made even.
    private static (int Width, int Height) Longest(int width, int height, int edge)
    {
        var aspect = (double)width / height;
        return width >= height ? (edge, Even((int)(edge / aspect))) : (Even((int)(edge * aspect)), edge);
    }

    private static int Even(int side) => Math.Max(1, side + (side % 2));

    private static (int Width, int Height) Sheet(int width, int height, int side)
    {
        var aspect = (double)width / height;
        if (width >= height)
        {
            var wide = Multiple(width, side);
            return (wide, Multiple((int)(wide / aspect), side));
        }

        var high = Multiple(height, side);
        return (Multiple((int)(high * aspect), side), high);
    }

    private static int Multiple(int length, int side) => Math.Max(1, (length + side - 1) / side) * side;
}
