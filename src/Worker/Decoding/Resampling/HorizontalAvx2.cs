using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VlWorker.Decoding.Resampling;

/// <summary>
/// The horizontal pass with 256-bit vectors, four rows at a time so that each weight is loaded once for four.
/// <code>
/// four pixels, in both halves      r0 g0 b0 x0 r1 g1 b1 x1 r2 g2 b2 x2 r3 g3 b3 x3
/// as pairs of 16-bit numbers       (r0 r1)(r2 r3)(g0 g1)(g2 g3) | (b0 b1)(b2 b3)(x0 x1)(x2 x3)
/// times four weights, repeated     (w0 w1)(w2 w3)(w0 w1)(w2 w3) | (w0 w1)(w2 w3)(w0 w1)(w2 w3)
/// </code>
/// Each product of pairs is summed to 32 bits by one instruction; at the end neighbours are added to one sum a channel.
/// </summary>
internal static unsafe class HorizontalAvx2
{
    private static Vector256<byte> PairMask => Vector256.Create(
        0, 0xFF, 4, 0xFF, 8, 0xFF, 12, 0xFF, 1, 0xFF, 5, 0xFF, 9, 0xFF, 13, 0xFF,
        2, 0xFF, 6, 0xFF, 10, 0xFF, 14, 0xFF, 3, 0xFF, 7, 0xFF, 11, 0xFF, 15, 0xFF).AsByte();

    public static void Run(byte* source, nint sourceStride, int rows, ResampleTable table, byte* output, nint outputStride)
    {
        fixed (short* low = table.Low, high = table.High)
        {
            for (var row = 0; row < rows; row += 4)
            {
                // A group at the end with fewer than four rows repeats its last one: it is computed again and stored in the same place.
                var (second, third, fourth) = (Math.Min(1, rows - row - 1), Math.Min(2, rows - row - 1), Math.Min(3, rows - row - 1));
                var from = source + (row * sourceStride);
                var to = output + (row * outputStride);
                Four(
                    from, from + (second * sourceStride), from + (third * sourceStride), from + (fourth * sourceStride),
                    to, to + (second * outputStride), to + (third * outputStride), to + (fourth * outputStride),
                    table, low, high);
            }
        }
    }

    private static void Four(
        byte* source0, byte* source1, byte* source2, byte* source3,
        byte* output0, byte* output1, byte* output2, byte* output3,
        ResampleTable table, short* low, short* high)
    {
        ref var starts = ref MemoryMarshal.GetArrayDataReference(table.Starts);
        ref var counts = ref MemoryMarshal.GetArrayDataReference(table.Counts);
        var mask = PairMask;
        for (var o = 0; o < table.Outputs; o++)
        {
            Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
            Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
            var at = (nint)Unsafe.Add(ref starts, o) * 4;
            var end = (nint)Unsafe.Add(ref counts, o);
            var lowWeights = low + ((nint)o * table.Stride);
            var highWeights = high + ((nint)o * table.Stride);
            for (nint tap = 0; tap < end; tap += 4, at += 16)
            {
                var weightsLow = Vector256.Create(*(long*)(lowWeights + tap)).AsInt16();
                var weightsHigh = Vector256.Create(*(long*)(highWeights + tap)).AsInt16();
                var pixels0 = Pairs(source0 + at, mask);
                var pixels1 = Pairs(source1 + at, mask);
                var pixels2 = Pairs(source2 + at, mask);
                var pixels3 = Pairs(source3 + at, mask);
                low0 += Avx2.MultiplyAddAdjacent(pixels0, weightsLow);
                high0 += Avx2.MultiplyAddAdjacent(pixels0, weightsHigh);
                low1 += Avx2.MultiplyAddAdjacent(pixels1, weightsLow);
                high1 += Avx2.MultiplyAddAdjacent(pixels1, weightsHigh);
                low2 += Avx2.MultiplyAddAdjacent(pixels2, weightsLow);
                high2 += Avx2.MultiplyAddAdjacent(pixels2, weightsHigh);
                low3 += Avx2.MultiplyAddAdjacent(pixels3, weightsLow);
                high3 += Avx2.MultiplyAddAdjacent(pixels3, weightsHigh);
            }

            var pixels = Pack(
                low0 + (high0 << ResampleTable.LowBits), low1 + (high1 << ResampleTable.LowBits),
                low2 + (high2 << ResampleTable.LowBits), low3 + (high3 << ResampleTable.LowBits));
            var offset = (nint)o * 3;
            Unsafe.WriteUnaligned(output0 + offset, pixels.GetElement(0));
            Unsafe.WriteUnaligned(output1 + offset, pixels.GetElement(1));
            Unsafe.WriteUnaligned(output2 + offset, pixels.GetElement(2));
            Unsafe.WriteUnaligned(output3 + offset, pixels.GetElement(3));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(byte* pixels, Vector256<byte> mask) =>
        Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(pixels), mask).AsInt16();

    // Four rows' sums, each (r r g g | b b x x), to four pixels of four bytes, row by row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Pack(Vector256<int> row0, Vector256<int> row1, Vector256<int> row2, Vector256<int> row3)
    {
        var half = Vector256.Create(ResampleTable.Half);
        var first = (Avx2.HorizontalAdd(row0, row1) + half) >> ResampleTable.PrecisionBits;
        var second = (Avx2.HorizontalAdd(row2, row3) + half) >> ResampleTable.PrecisionBits;
        var words = Avx2.PackSignedSaturate(first, second);
        var bytes = Avx2.PackUnsignedSaturate(words, words).AsUInt16();
        return Sse2.UnpackLow(bytes.GetLower(), bytes.GetUpper()).AsUInt32();
    }
}
