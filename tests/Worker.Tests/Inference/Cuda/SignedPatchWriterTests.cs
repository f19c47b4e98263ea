using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class SignedPatchWriterTests
{
    [Theory]
    [InlineData(32, 32, 16)]
    [InlineData(28, 42, 14)]
    [InlineData(12, 8, 4)]
    public void Every_byte_lands_in_its_patch_less_128(int width, int height, int side)
    {
        var rgb = new PooledBuffer(width * height * 3);
        new Random(2).NextBytes(rgb.Span);
        using var pixels = new PreparedPixels(width, height, rgb, null);
        var writer = new SignedPatchWriter(width, height, side);
        var target = new byte[writer.ImageBytes];
        Array.Fill(target, (byte)99);
        writer.Write(pixels, target);
        Assert.All(target[..writer.RowBytes], value => Assert.Equal(0, value));
        for (var i = 0; i < width * height * 3; i++)
        {
            var (x, y, channel) = (i / 3 % width, i / 3 / width, i % 3);
            var patch = (y / side * (width / side)) + (x / side);
            var place = ((1 + patch) * writer.RowBytes) + ((((y % side * side) + (x % side)) * 3) + channel);
            Assert.Equal(pixels.Rgb[i] - 128, (sbyte)target[place]);
        }
    }

    [Fact]
    public void An_image_of_another_size_is_refused()
    {
        using var pixels = new PreparedPixels(8, 8, new PooledBuffer(192), null);
        var writer = new SignedPatchWriter(16, 16, 4);
        Assert.Throws<ArgumentException>(() => writer.Write(pixels, new byte[writer.ImageBytes]));
    }
}
