using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VlWorker.Decoding.Resampling;

/// <summary>Resamples along columns: each output byte is a weighted sum of the bytes above each other in some source rows.</summary>
internal static unsafe class VerticalPass
{
    /// <summary>Bytes that may be read beyond a source row, and written beyond an output row.</summary>
    public const int Slack = 32;

    /// <summary>Computes one output row.</summary>
    /// <param name="rows">The source rows of this output: as many as its count.</param>
    /// <param name="table">The weights.</param>
    /// <param name="o">The output.</param>
    /// <param name="output">Where the row goes.</param>
    /// <param name="bytes">Bytes a row.</param>
    /// <param name="path">The implementation.</param>
    public static void Run(byte** rows, ResampleTable table, int o, byte* output, int bytes, KernelPath path)
    {
        switch (path)
        {
            case KernelPath.Avx2:
                RowAvx2(rows, table, o, output, bytes);
                break;
            case KernelPath.Vector128:
                RowVector128(rows, table, o, output, bytes);
                break;
            default:
                RowScalar(rows, table, o, output, bytes);
                break;
        }
    }

    private static void RowScalar(byte** rows, ResampleTable table, int o, byte* output, int bytes)
    {
        for (var at = 0; at < bytes; at++)
        {
            var sum = ResampleTable.Half;
            for (var tap = 0; tap < table.Counts[o]; tap++)
                sum += rows[tap][at] * table.Weight(o, tap);
            output[at] = (byte)Math.Clamp(sum >> ResampleTable.PrecisionBits, 0, 255);
        }
    }

    private static void RowVector128(byte** rows, ResampleTable table, int o, byte* output, int bytes)
    {
        var taps = table.Counts[o];
        for (var at = 0; at < bytes; at += Vector128<byte>.Count)
        {
            var sum0 = Vector128.Create(ResampleTable.Half);
            var (sum1, sum2, sum3) = (sum0, sum0, sum0);
            for (var tap = 0; tap < taps; tap++)
            {
                var weight = Vector128.Create(table.Weight(o, tap));
                var (lower, upper) = Vector128.Widen(Vector128.Load(rows[tap] + at));
                sum0 += Vector128.WidenLower(lower).AsInt32() * weight;
                sum1 += Vector128.WidenUpper(lower).AsInt32() * weight;
                sum2 += Vector128.WidenLower(upper).AsInt32() * weight;
                sum3 += Vector128.WidenUpper(upper).AsInt32() * weight;
            }

            Vector128.Narrow(
                Vector128.Narrow(Clip(sum0), Clip(sum1)).AsUInt16(),
                Vector128.Narrow(Clip(sum2), Clip(sum3)).AsUInt16()).Store(output + at);
        }
    }

    private static Vector128<int> Clip(Vector128<int> sum) =>
        Vector128.Clamp(sum >> ResampleTable.PrecisionBits, Vector128<int>.Zero, Vector128.Create(255));

    // Two rows at a time: their bytes interleaved and widened to pairs of 16-bit numbers, times a pair of weights, summed to 32 bits.
    private static void RowAvx2(byte** rows, ResampleTable table, int o, byte* output, int bytes)
    {
        fixed (short* lowWeights = &table.Low[o * table.Stride], highWeights = &table.High[o * table.Stride])
        {
            var taps = (nint)table.Counts[o];
            for (nint at = 0; at < bytes; at += Vector256<byte>.Count)
            {
                Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
                Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
                for (nint tap = 0; tap < taps; tap += 2)
                {
                    // The weight beside an odd last one is zero, so any row may stand beside it.
                    var even = Vector256.Load(rows[tap] + at);
                    var odd = Vector256.Load(rows[tap + 1 < taps ? tap + 1 : tap] + at);
                    var weightsLow = Vector256.Create(*(int*)(lowWeights + tap)).AsInt16();
                    var weightsHigh = Vector256.Create(*(int*)(highWeights + tap)).AsInt16();
                    var lower = Avx2.UnpackLow(even, odd);
                    var upper = Avx2.UnpackHigh(even, odd);
                    Add(Avx2.UnpackLow(lower, Vector256<byte>.Zero), weightsLow, weightsHigh, ref low0, ref high0);
                    Add(Avx2.UnpackHigh(lower, Vector256<byte>.Zero), weightsLow, weightsHigh, ref low1, ref high1);
                    Add(Avx2.UnpackLow(upper, Vector256<byte>.Zero), weightsLow, weightsHigh, ref low2, ref high2);
                    Add(Avx2.UnpackHigh(upper, Vector256<byte>.Zero), weightsLow, weightsHigh, ref low3, ref high3);
                }

                // Unpacking and packing both work within 128-bit halves, so the bytes come back in order.
                Avx2.PackUnsignedSaturate(
                    Avx2.PackSignedSaturate(Round(low0, high0), Round(low1, high1)),
                    Avx2.PackSignedSaturate(Round(low2, high2), Round(low3, high3))).Store(output + at);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        Vector256<byte> pairs, Vector256<short> weightsLow, Vector256<short> weightsHigh, ref Vector256<int> low, ref Vector256<int> high)
    {
        low += Avx2.MultiplyAddAdjacent(pairs.AsInt16(), weightsLow);
        high += Avx2.MultiplyAddAdjacent(pairs.AsInt16(), weightsHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(Vector256<int> low, Vector256<int> high) =>
        (low + (high << ResampleTable.LowBits) + Vector256.Create(ResampleTable.Half)) >> ResampleTable.PrecisionBits;
}
