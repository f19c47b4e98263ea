namespace VlWorker.Worker.Tests.Decoding.Resampling;

/// <summary>Pillow's resize, written down as it is described: plain loops over 64-bit sums, no tables, no tricks.</summary>
internal static class ReferenceResampler
{
    /// <summary>Resizes RGB pixels.</summary>
    public static byte[] Resize(byte[] rgb, int width, int height, int newWidth, int newHeight, int filter)
    {
        if (newHeight < height && height - newHeight > 2 * (width - newWidth))
        {
            rgb = Vertical(rgb, width, height, newHeight, filter);
            return Horizontal(rgb, width, newHeight, newWidth, filter);
        }

        rgb = Horizontal(rgb, width, height, newWidth, filter);
        return Vertical(rgb, newWidth, height, newHeight, filter);
    }

    private static byte[] Horizontal(byte[] rgb, int width, int height, int newWidth, int filter)
    {
        if (newWidth == width)
            return rgb;
        var result = new byte[newWidth * height * 3];
        for (var x = 0; x < newWidth; x++)
        {
            var (start, weights) = Weights(width, newWidth, x, filter);
            for (var i = 0; i < height * 3; i++)
            {
                var (y, c) = (i / 3, i % 3);
                result[(((y * newWidth) + x) * 3) + c] = Sum(weights, tap => rgb[(((y * width) + start + tap) * 3) + c]);
            }
        }

        return result;
    }

    private static byte[] Vertical(byte[] rgb, int width, int height, int newHeight, int filter)
    {
        if (newHeight == height)
            return rgb;
        var result = new byte[width * newHeight * 3];
        for (var y = 0; y < newHeight; y++)
        {
            var (start, weights) = Weights(height, newHeight, y, filter);
            for (var i = 0; i < width * 3; i++)
                result[(y * width * 3) + i] = Sum(weights, tap => rgb[((start + tap) * width * 3) + i]);
        }

        return result;
    }

    private static byte Sum(long[] weights, Func<int, byte> pixel)
    {
        var sum = 1L << 21;
        for (var tap = 0; tap < weights.Length; tap++)
            sum += pixel(tap) * weights[tap];
        return (byte)Math.Clamp(sum >> 22, 0, 255);
    }

    private static (int Start, long[] Weights) Weights(int size, int newSize, int output, int filter)
    {
        var scale = (double)size / newSize;
        var widening = Math.Max(1.0, scale);
        var support = (filter == 1 ? 3.0 : filter == 2 ? 1.0 : 2.0) * widening;
        var center = (output + 0.5) * scale;
        var start = Math.Max(0, (int)(center - support + 0.5));
        var end = Math.Min(size, (int)(center + support + 0.5));
        var weights = new double[end - start];
        for (var tap = 0; tap < weights.Length; tap++)
            weights[tap] = Filter(filter, Math.Abs((tap + start - center + 0.5) * (1.0 / widening)));
        var total = weights.Sum();
        return (start, [.. weights.Select(weight => weight / total * 4194304).Select(weight => (long)(weight < 0 ? weight - 0.5 : weight + 0.5))]);
    }

    private static double Filter(int filter, double x) => filter switch
    {
        1 => x == 0 ? 1 : x < 3 ? Math.Sin(x * Math.PI) / (x * Math.PI) * (Math.Sin(x / 3 * Math.PI) / (x / 3 * Math.PI)) : 0,
        2 => Math.Max(0, 1 - x),
        _ => x < 1 ? (((1.5 * x) - 2.5) * x * x) + 1 : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * -0.5 : 0,
    };
}
