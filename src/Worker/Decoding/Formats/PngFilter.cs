using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VlWorker.Decoding.Formats;

/// <summary>Undoes the five row filters of PNG: each byte was stored as its difference to a prediction from its neighbours.</summary>
internal static unsafe class PngFilter
{
    /// <summary>Bytes that may be read and written beyond a row's end, and must be readable before the row above and its start.</summary>
    public const int Slack = 16;

    /// <summary>Restores a row.</summary>
    /// <param name="filter">The row's filter byte.</param>
    /// <param name="source">The filtered bytes.</param>
    /// <param name="above">The restored row above; zeros for the first one. The bytes before it are zeros.</param>
    /// <param name="target">The restored bytes. The bytes before them are zeros.</param>
    /// <param name="count">Bytes a row.</param>
    /// <param name="pixelBytes">Bytes from a sample to the same one of the pixel to its left.</param>
    /// <returns>False for a filter that does not exist.</returns>
    public static bool Restore(byte filter, byte* source, byte* above, byte* target, int count, int pixelBytes)
    {
        switch (filter)
        {
            case 0:
                Buffer.MemoryCopy(source, target, count, count);
                return true;
            case 1:
                Sub(source, target, count, pixelBytes);
                return true;
            case 2:
                Up(source, above, target, count);
                return true;
            case 3:
                Average(source, above, target, count, pixelBytes);
                return true;
            case 4 when pixelBytes >= 3 && Vector128.IsHardwareAccelerated:
                PaethPixels(source, above, target, count, pixelBytes);
                return true;
            case 4:
                PaethBytes(source, above, target, count, pixelBytes);
                return true;
            default:
                return false;
        }
    }

    private static void Sub(byte* source, byte* target, int count, int pixelBytes)
    {
        if (pixelBytes is not (3 or 4))
        {
            for (var i = 0; i < count; i++)
                target[i] = (byte)(source[i] + target[i - pixelBytes]);
            return;
        }

        // A pixel at a time: the next one's bytes, stored too early, are stored again.
        var left = Vector128<byte>.Zero;
        for (var i = 0; i < count; i += pixelBytes)
        {
            left += Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source + i)).AsByte();
            Unsafe.WriteUnaligned(target + i, left.AsUInt32().ToScalar());
        }
    }

    private static void Up(byte* source, byte* above, byte* target, int count)
    {
        for (var i = 0; i < count; i += Vector128<byte>.Count)
            (Vector128.Load(source + i) + Vector128.Load(above + i)).Store(target + i);
    }

    private static void Average(byte* source, byte* above, byte* target, int count, int pixelBytes)
    {
        for (var i = 0; i < count; i++)
            target[i] = (byte)(source[i] + ((target[i - pixelBytes] + above[i]) >> 1));
    }

    private static void PaethBytes(byte* source, byte* above, byte* target, int count, int pixelBytes)
    {
        for (var i = 0; i < count; i++)
        {
            int left = target[i - pixelBytes], up = above[i], corner = above[i - pixelBytes];
            int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner), toCorner = Math.Abs(left + up - (2 * corner));
            var nearest = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
            target[i] = (byte)(source[i] + nearest);
        }
    }

    // All samples of a pixel at once, in 16-bit lanes: up to eight.
    private static void PaethPixels(byte* source, byte* above, byte* target, int count, int pixelBytes)
    {
        Vector128<short> left = default, corner = default;
        for (var i = 0; i < count; i += pixelBytes)
        {
            var up = Eight(above + i);
            var toLeft = Vector128.Abs(up - corner);
            var toUp = Vector128.Abs(left - corner);
            var toCorner = Vector128.Abs(up - corner + left - corner);
            var upOrCorner = Vector128.ConditionalSelect(Vector128.LessThanOrEqual(toUp, toCorner), up, corner);
            var isLeft = Vector128.LessThanOrEqual(toLeft, toUp) & Vector128.LessThanOrEqual(toLeft, toCorner);
            left = (Eight(source + i) + Vector128.ConditionalSelect(isLeft, left, upOrCorner)) & Vector128.Create((short)0xFF);
            corner = up;
            Unsafe.WriteUnaligned(target + i, Vector128.Narrow(left.AsUInt16(), left.AsUInt16()).AsUInt64().ToScalar());
        }
    }

    private static Vector128<short> Eight(byte* bytes) =>
        Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(bytes)).AsByte()).AsInt16();
}
