using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Engine;

/// <summary>Turns 8-bit RGB into normalised float32 planes, rounded exactly as transformers' numpy code does.</summary>
internal sealed class PixelWriter
{
    // A byte has 256 values, so the whole arithmetic fits a table a channel: no rounding to get wrong, and one load a value.
    private readonly float[] _red;
    private readonly float[] _green;
    private readonly float[] _blue;

    public PixelWriter(Normalization normalization)
    {
        _red = Table(normalization.RescaleFactor, normalization.MeanR, normalization.StdR);
        _green = Table(normalization.RescaleFactor, normalization.MeanG, normalization.StdG);
        _blue = Table(normalization.RescaleFactor, normalization.MeanB, normalization.StdB);
    }

    /// <summary>Whether there is a colour whose values are all zero.</summary>
    public bool WritesZeros => _red.Contains(0) && _green.Contains(0) && _blue.Contains(0);

    /// <summary>Writes one image as [3, height, width].</summary>
    /// <param name="pixels">The image.</param>
    /// <param name="planes">3 * height * width values.</param>
    public void Write(PreparedPixels pixels, Span<float> planes) => Write(pixels.Frame(0), planes);

    /// <summary>Writes one frame as [3, height, width].</summary>
    /// <param name="rgb">Its pixels.</param>
    /// <param name="planes">As many values.</param>
    public void Write(ReadOnlySpan<byte> rgb, Span<float> planes)
    {
        var count = rgb.Length / 3;
        Plane(rgb, 0, _red, planes[..count]);
        Plane(rgb, 1, _green, planes.Slice(count, count));
        Plane(rgb, 2, _blue, planes.Slice(2 * count, count));
    }

    private static unsafe void Plane(ReadOnlySpan<byte> rgb, int channel, float[] table, Span<float> plane)
    {
        fixed (byte* source = rgb)
        fixed (float* values = table)
        fixed (float* target = plane)
        {
            var from = source + channel;
            for (var i = 0; i < plane.Length; i++, from += 3)
                target[i] = values[*from];
        }
    }

    // float64 product, rounded to float32; subtraction and division in float32.
    private static float[] Table(double factor, float mean, float deviation)
    {
        var table = new float[256];
        for (var i = 0; i < table.Length; i++)
            table[i] = ((float)(i * factor) - mean) / deviation;
        return table;
    }
}
