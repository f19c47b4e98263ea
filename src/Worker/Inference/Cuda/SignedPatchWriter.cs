using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Cuda;

/// <summary>
/// Lays an image's bytes out as the graphs for CUDA take them: [1 + patches, P * P * 3] of int8, less 128, a patch's pixels row by row; the first row,
/// the class token's, stays zero, and is not there in towers without one.
/// </summary>
/// <param name="width">Width of the images in pixels.</param>
/// <param name="height">Height of the images in pixels.</param>
/// <param name="side">Side of a patch in pixels.</param>
/// <param name="classToken">Whether the tower has one.</param>
internal sealed class SignedPatchWriter(int width, int height, int side, bool classToken = true)
{
    private const int Threads = 4;
    private readonly int _across = width / side;

    /// <summary>A writer for a graph's input.</summary>
    /// <param name="plan">How images are resized.</param>
    /// <param name="rows">Rows that the graph takes for an image.</param>
    /// <param name="rowBytes">Bytes of each.</param>
    /// <exception cref="InvalidDataException">The graph takes images of another size than the plan makes.</exception>
    public static SignedPatchWriter For(ResizePlan plan, int rows, int rowBytes)
    {
        var (width, height) = plan switch
        {
            { CropWidth: { } cropWidth, CropHeight: { } cropHeight } => (cropWidth, cropHeight),
            { ShortestEdge: null } => (plan.Width, plan.Height),
            _ => throw new InvalidDataException("images keep their aspect, and graphs for a GPU take one size"),
        };
        var side = (int)Math.Round(Math.Sqrt(rowBytes / 3d));
        var writer = new SignedPatchWriter(width, height, side, side == 0 || rows != width / side * (height / side));
        return writer.Rows == rows && writer.RowBytes == rowBytes ? writer
            : throw new InvalidDataException($"the image tower takes {rows} rows of {rowBytes} bytes, and images of {width} x {height} make {writer.Rows} of {writer.RowBytes}");
    }

    /// <summary>Rows of an image.</summary>
    public int Rows { get; } = (classToken ? 1 : 0) + (width / side * (height / side));

    /// <summary>Bytes of a row.</summary>
    public int RowBytes { get; } = 3 * side * side;

    /// <summary>Bytes of an image.</summary>
    public int ImageBytes => Rows * RowBytes;

    /// <summary>Writes a number of images with a few threads where they are many.</summary>
    /// <param name="count">How many.</param>
    /// <param name="write">Writes one.</param>
    public static void ForEach(int count, Action<int> write)
    {
        if (count >= 2 * Threads)
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Threads }, write);
            return;
        }

        for (var i = 0; i < count; i++)
            write(i);
    }

    /// <summary>Writes one image.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="target"><see cref="ImageBytes"/>.</param>
    public void Write(PreparedPixels pixels, Span<byte> target) => Write(pixels, 0, target);

    /// <summary>Writes one frame of an image.</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="frame">Which of its frames.</param>
    /// <param name="target"><see cref="ImageBytes"/>.</param>
    public unsafe void Write(PreparedPixels pixels, int frame, Span<byte> target)
    {
        if (pixels.Width != width || pixels.Height != height)
            throw new ArgumentException($"an image of {pixels.Width} x {pixels.Height} for a model of {width} x {height}", nameof(pixels));
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, ImageBytes);
        var lead = classToken ? RowBytes : 0;
        target[..lead].Clear();
        fixed (byte* from = pixels.Frame(frame))
        fixed (byte* to = target)
            Copy(from, to + lead);
    }

    // Row by row of the image, a strip to each patch. Compiled in full at once: the first images of a worker should not wait for it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Copy(byte* from, byte* to)
    {
        var strip = 3 * side;
        var down = height / side * side;
        for (var y = 0; y < down; y++)
        {
            var source = from + (3L * y * width);
            var target = to + ((long)(y / side) * _across * RowBytes) + ((long)(y % side) * strip);
            for (var x = 0; x < _across; x++, source += strip, target += RowBytes)
                Flip(source, target, strip);
        }
    }

    // Less 128 modulo 256 is the highest bit turned over.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Flip(byte* from, byte* to, int count)
    {
        var done = 0;
        for (; done + Vector128<byte>.Count <= count; done += Vector128<byte>.Count)
            (Vector128.Load(from + done) ^ Vector128.Create((byte)0x80)).Store(to + done);
        for (; done < count; done++)
            to[done] = (byte)(from[done] ^ 0x80);
    }
}
