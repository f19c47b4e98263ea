using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class PixelWriterTests
{
    [Fact]
    public void Bytes_become_planes_rounded_as_numpy_rounds_them()
    {
        const int Width = 16;
        const int Height = 17;
        var normalization = new Normalization(0.00392156862745098, 0.48145466f, 0.4578275f, 0.40821073f, 0.26862954f, 0.26130258f, 0.27577711f);
        float[] means = [0.48145466f, 0.4578275f, 0.40821073f];
        float[] deviations = [0.26862954f, 0.26130258f, 0.27577711f];
        var rgb = new PooledBuffer(Width * Height * 3);
        for (var i = 0; i < rgb.Length; i++)
            rgb.Span[i] = (byte)(i * 7);
        using var pixels = new PreparedPixels(Width, Height, rgb, null);
        var planes = new float[3 * Width * Height];

        new PixelWriter(normalization).Write(pixels, planes);

        for (var i = 0; i < planes.Length; i++)
        {
            var (channel, place) = (i / (Width * Height), i % (Width * Height));
            var rescaled = (float)(pixels.Rgb[(place * 3) + channel] * 0.00392156862745098);
            Assert.Equal((rescaled - means[channel]) / deviations[channel], planes[i]);
        }
    }
}
