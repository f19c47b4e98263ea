namespace VlWorker.Decoding.Resampling;

/// <summary>
/// Along one axis: which source pixels make each output pixel, and with which weights. The weights are Pillow's, in fixed point with 22 bits
/// after the point. They are kept in two halves of 16 bits, weight = (High &lt;&lt; 11) + Low, because processors multiply and add pairs of
/// 16-bit numbers faster than single 32-bit ones, and sums modulo 2^32 come out the same.
/// </summary>
internal sealed class ResampleTable
{
    /// <summary>Bits after the point: 32 less 8 of the pixel and 2 of headroom for weights beyond 1.</summary>
    public const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Half a unit of the result, for rounding.</summary>
    public const int Half = 1 << (PrecisionBits - 1);

    /// <summary>Bits of a weight in <see cref="Low"/>.</summary>
    public const int LowBits = 11;

    private ResampleTable(int outputs, int stride)
    {
        Stride = stride;
        Starts = new int[outputs];
        Counts = new int[outputs];
        Low = new short[outputs * stride];
        High = new short[outputs * stride];
    }

    /// <summary>Output pixels.</summary>
    public int Outputs => Starts.Length;

    /// <summary>Weights reserved for an output pixel, a multiple of 4; those beyond its count are zero.</summary>
    public int Stride { get; }

    /// <summary>For each output, the first source pixel.</summary>
    public int[] Starts { get; }

    /// <summary>For each output, the number of source pixels.</summary>
    public int[] Counts { get; }

    /// <summary>Lower halves [outputs, Stride], 0 to 2047.</summary>
    public short[] Low { get; }

    /// <summary>Upper halves [outputs, Stride].</summary>
    public short[] High { get; }

    /// <summary>The first source pixel that any output needs.</summary>
    public int First { get; private set; } = int.MaxValue;

    /// <summary>One past the last source pixel that any output needs.</summary>
    public int End { get; private set; }

    /// <summary>The largest count.</summary>
    public int Taps { get; private set; }

    /// <summary>A weight put together again.</summary>
    public int Weight(int output, int tap) => (High[(output * Stride) + tap] << LowBits) + Low[(output * Stride) + tap];

    /// <summary>Computes the table of outputs <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> of a resized axis.</summary>
    /// <param name="sourceSize">Source pixels.</param>
    /// <param name="resizedSize">Pixels of the whole resized axis.</param>
    /// <param name="first">The first output kept.</param>
    /// <param name="count">Outputs kept.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="mirrored">The source runs backwards: the table then reads it from its end.</param>
    public static ResampleTable Create(int sourceSize, int resizedSize, int first, int count, ResampleFilter filter, bool mirrored)
    {
        if (sourceSize == resizedSize)
            return Copy(sourceSize, first, count, mirrored);
        var scale = (double)sourceSize / resizedSize;
        var filterScale = Math.Max(scale, 1);
        var support = filter.Support() * filterScale;
        var reserved = ((int)Math.Ceiling(support) * 2) + 1;
        var table = new ResampleTable(count, (reserved + 3) & ~3);
        var weights = new double[reserved];
        for (var output = 0; output < count; output++)
        {
            var center = (first + output + 0.5) * scale;
            var start = Math.Max(0, (int)(center - support + 0.5));
            var taps = Math.Min(sourceSize, (int)(center + support + 0.5)) - start;
            Weigh(weights.AsSpan(0, taps), start, center, 1 / filterScale, filter);
            table.Set(output, mirrored ? sourceSize - start - taps : start, weights.AsSpan(0, taps), mirrored);
        }

        return table;
    }

    // Pillow does not touch an axis that keeps its size.
    private static ResampleTable Copy(int size, int first, int count, bool mirrored)
    {
        var table = new ResampleTable(count, 4);
        for (var output = 0; output < count; output++)
            table.Set(output, mirrored ? size - 1 - first - output : first + output, [1], mirrored: false);
        return table;
    }

    private static void Weigh(Span<double> weights, int start, double center, double inverseScale, ResampleFilter filter)
    {
        var sum = 0.0;
        for (var tap = 0; tap < weights.Length; tap++)
        {
            weights[tap] = filter.At((tap + start - center + 0.5) * inverseScale);
            sum += weights[tap];
        }

        if (sum == 0)
            return;
        foreach (ref var weight in weights)
            weight /= sum;
    }

    private void Set(int output, int start, ReadOnlySpan<double> weights, bool mirrored)
    {
        Starts[output] = start;
        Counts[output] = weights.Length;
        First = Math.Min(First, start);
        End = Math.Max(End, start + weights.Length);
        Taps = Math.Max(Taps, weights.Length);
        for (var tap = 0; tap < weights.Length; tap++)
        {
            var value = weights[mirrored ? weights.Length - 1 - tap : tap] * (1 << PrecisionBits);
            var rounded = (int)(value < 0 ? value - 0.5 : value + 0.5);
            High[(output * Stride) + tap] = (short)(rounded >> LowBits);
            Low[(output * Stride) + tap] = (short)(rounded & ((1 << LowBits) - 1));
        }
    }
}
