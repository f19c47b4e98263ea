namespace VlWorker.Decoding.Resampling;

/// <summary>Pillow's filter numbers.</summary>
internal enum ResampleFilter
{
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
}

/// <summary>The filters' values, computed in the order of operations that gives Pillow's doubles.</summary>
internal static class ResampleFilters
{
    /// <summary>Half the width of the filter, in source pixels at scale 1.</summary>
    public static double Support(this ResampleFilter filter) => filter switch
    {
        ResampleFilter.Lanczos => 3,
        ResampleFilter.Bilinear => 1,
        ResampleFilter.Bicubic => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Supported are 1 (Lanczos), 2 (bilinear) and 3 (bicubic)."),
    };

    /// <summary>The filter at a distance of <paramref name="x"/> source pixels from its centre.</summary>
    public static double At(this ResampleFilter filter, double x) => filter switch
    {
        ResampleFilter.Lanczos => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        ResampleFilter.Bilinear => Math.Abs(x) is < 1 and var distance ? 1 - distance : 0,
        _ => Bicubic(Math.Abs(x)),
    };

    // Keys' kernel with a = -0.5.
    private static double Bicubic(double x)
    {
        const double A = -0.5;
        if (x < 1)
            return ((((A + 2) * x) - (A + 3)) * x * x) + 1;
        return x < 2 ? ((((x - 5) * x) + 8) * x - 4) * A : 0;
    }

    private static double Sinc(double x)
    {
        if (x == 0)
            return 1;
        x *= Math.PI;
        return Math.Sin(x) / x;
    }
}
