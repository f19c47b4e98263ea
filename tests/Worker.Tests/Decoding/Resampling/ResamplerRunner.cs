using System.Runtime.InteropServices;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding.Resampling;

/// <summary>Feeds pixels to a resampler as a decoder would.</summary>
internal static unsafe class ResamplerRunner
{
    /// <summary>Noise by formula, the same as in make_golden.py.</summary>
    public static byte[] Formula(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (uint i = 0; i < rgb.Length; i++)
        {
            var (x, y, c) = (i / 3 % (uint)width, i / 3 / (uint)width, i % 3);
            var v = (x * 73856093) ^ (y * 19349663) ^ (c * 83492791);
            v = (v ^ (v >> 13)) * 0x5BD1E995;
            rgb[i] = (byte)(v >> 15);
        }

        return rgb;
    }

    /// <summary>Resamples stored RGB pixels, in bands of so many rows.</summary>
    public static byte[] Run(
        byte[] rgb, int width, int height, ResizePlan plan, Orientation orientation, KernelPath path, DecoderScratch scratch, int bandRows = 16)
    {
        using var resampler = PlanResampler.Create(plan, width, height, orientation, scratch, path);
        var band = (byte*)NativeMemory.AllocZeroed((nuint)((bandRows * width * 4) + HorizontalPass.Slack));
        try
        {
            for (var row = 0; row < height; row += bandRows)
            {
                var rows = Math.Min(bandRows, height - row);
                for (var i = 0; i < rows * width; i++)
                {
                    for (var c = 0; c < 3; c++)
                        band[(i * 4) + c] = rgb[(((row * width) + i) * 3) + c];
                    band[(i * 4) + 3] = (byte)(i * 37);
                }

                resampler.Accept(band, width * 4, rows);
            }

            using var output = resampler.Finish();
            return output.Span.ToArray();
        }
        finally
        {
            NativeMemory.Free(band);
        }
    }

    /// <summary>The upright image of stored pixels, by the definition of EXIF's values.</summary>
    public static (byte[] Rgb, int Width, int Height) Upright(byte[] rgb, int width, int height, int exif)
    {
        var (w, h) = exif >= 5 ? (height, width) : (width, height);
        var upright = new byte[rgb.Length];
        for (var y = 0; y < h; y++)
        {
            for (var x = 0; x < w; x++)
            {
                var (storedX, storedY) = exif switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    8 => (width - 1 - y, x),
                    _ => (x, y),
                };
                rgb.AsSpan(((storedY * width) + storedX) * 3, 3).CopyTo(upright.AsSpan(((y * w) + x) * 3));
            }
        }

        return (upright, w, h);
    }
}
