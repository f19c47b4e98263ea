using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VlWorker.Decoding.Resampling;

/// <summary>Resamples along rows: RGBX pixels in, RGB pixels out.</summary>
internal static unsafe class HorizontalPass
{
    /// <summary>Bytes that may be read beyond the last source row, and written beyond the last output row.</summary>
    public const int Slack = 64;

    /// <summary>Bytes from one output row to the next: one more than the pixels need, since pixels are stored four bytes at a time.</summary>
    public static int RowStride(int pixels) => ((pixels * 3) + 1 + 31) & ~31;

    /// <summary>Resamples rows.</summary>
    /// <param name="source">Four bytes a pixel, the fourth ignored.</param>
    /// <param name="sourceStride">Bytes from one source row to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="table">The weights.</param>
    /// <param name="output">Three bytes a pixel; what lies between the pixels and the next row is overwritten.</param>
    /// <param name="outputStride">Bytes from one output row to the next, at least <see cref="RowStride"/> of the outputs.</param>
    /// <param name="path">The implementation.</param>
    public static void Run(byte* source, nint sourceStride, int rows, ResampleTable table, byte* output, nint outputStride, KernelPath path)
    {
        if (path == KernelPath.Avx2)
        {
            HorizontalAvx2.Run(source, sourceStride, rows, table, output, outputStride);
            return;
        }

        for (var row = 0; row < rows; row++, source += sourceStride, output += outputStride)
        {
            if (path == KernelPath.Vector128)
                RowVector128(source, table, output);
            else
                RowScalar(source, table, output);
        }
    }

    private static void RowScalar(byte* source, ResampleTable table, byte* output)
    {
        for (var o = 0; o < table.Outputs; o++, output += 3)
        {
            int red = ResampleTable.Half, green = ResampleTable.Half, blue = ResampleTable.Half;
            var pixel = source + ((nint)table.Starts[o] * 4);
            var count = table.Counts[o];
            for (var tap = 0; tap < count; tap++, pixel += 4)
            {
                var weight = table.Weight(o, tap);
                red += pixel[0] * weight;
                green += pixel[1] * weight;
                blue += pixel[2] * weight;
            }

            output[0] = Clip(red);
            output[1] = Clip(green);
            output[2] = Clip(blue);
        }
    }

    private static void RowVector128(byte* source, ResampleTable table, byte* output)
    {
        for (var o = 0; o < table.Outputs; o++, output += 3)
        {
            var sum = Vector128.Create(ResampleTable.Half);
            var pixel = source + ((nint)table.Starts[o] * 4);
            var count = table.Counts[o];
            for (var tap = 0; tap < count; tap++, pixel += 4)
            {
                var channels = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(pixel)).AsByte()));
                sum += channels.AsInt32() * Vector128.Create(table.Weight(o, tap));
            }

            sum = Vector128.Clamp(sum >> ResampleTable.PrecisionBits, Vector128<int>.Zero, Vector128.Create(255));
            output[0] = (byte)sum[0];
            output[1] = (byte)sum[1];
            output[2] = (byte)sum[2];
        }
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResampleTable.PrecisionBits, 0, 255);
}
