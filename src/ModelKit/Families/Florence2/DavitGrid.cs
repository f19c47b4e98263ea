using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>What the builders of DaViT make of its weights, whatever they build for.</summary>
internal static class DavitGrid
{
    /// <summary>x + convolution(x) is a convolution: the middle of each kernel counts one more.</summary>
    public static Convolution WithIdentity(Convolution by)
    {
        var (weight, area) = ((float[])by.Weight.Clone(), by.Kernel * by.Kernel);
        for (var channel = 0; channel < by.Outputs; channel++)
            weight[(channel * area) + (area / 2)] += 1;
        return by with { Weight = weight };
    }

    /// <summary>[places, D]: what column, row and time add to the tokens of the last stage.</summary>
    public static float[] Places(DavitParameters vision, int width, int height)
    {
        var (channels, half) = (vision.Time.Length, vision.Columns.Columns);
        var values = new float[width * height * channels];
        for (var i = 0; i < values.Length; i++)
        {
            var (place, channel) = (i / channels, i % channels);
            values[i] = vision.Time[channel] + (channel < half
                ? vision.Columns.Row(place % width)[channel]
                : vision.Rows.Row(place / width)[channel - half]);
        }

        return values;
    }

    /// <summary>A convolution's weight as [outputs, kernel, kernel, inputs / groups].</summary>
    public static float[] ChannelsLast(Convolution by)
    {
        var (inputs, area) = (by.Inputs / by.Groups, by.Kernel * by.Kernel);
        var values = new float[by.Weight.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (output, input, place) = (i / (inputs * area), i / area % inputs, i % area);
            values[(((output * area) + place) * inputs) + input] = by.Weight[i];
        }

        return values;
    }

    /// <summary>A depthwise convolution's weight as [kernel * kernel, channels].</summary>
    public static float[] Taps(Convolution by)
    {
        var area = by.Kernel * by.Kernel;
        var values = new float[by.Weight.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = by.Weight[(i % by.Outputs * area) + (i / by.Outputs)];
        return values;
    }
}
