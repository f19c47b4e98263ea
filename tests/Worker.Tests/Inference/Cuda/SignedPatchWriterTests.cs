using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class SignedPatchWriterTests
{
    [Theory]
    [InlineData(32, 32, 16, 1)]
    [InlineData(28, 42, 14, 1)]
    [InlineData(12, 8, 4, 1)]
    [InlineData(12, 8, 4, 0)]
    public void Every_byte_lands_in_its_patch_less_128(int width, int height, int side, int lead)
    {
        var rgb = new PooledBuffer(width * height * 3);
        new Random(2).NextBytes(rgb.Span);
        using var pixels = new PreparedPixels(width, height, rgb, null);
        var plan = new ResizePlan(width, height, null, null, null, 3);
        var writer = SignedPatchWriter.For(plan, lead + (width / side * (height / side)), 3 * side * side);
        var target = new byte[writer.ImageBytes];
        Array.Fill(target, (byte)99);
        writer.Write(pixels, target);
        Assert.All(target[..(lead * writer.RowBytes)], value => Assert.Equal(0, value));
        for (var i = 0; i < width * height * 3; i++)
        {
            var (x, y, channel) = (i / 3 % width, i / 3 / width, i % 3);
            var patch = (y / side * (width / side)) + (x / side);
            var place = ((lead + patch) * writer.RowBytes) + ((((y % side * side) + (x % side)) * 3) + channel);
            Assert.Equal(pixels.Rgb[i] - 128, (sbyte)target[place]);
        }
    }

    [Fact]
    public void Each_tile_of_an_image_is_laid_out_by_itself()
    {
        var rgb = new PooledBuffer(3 * 4 * 4 * 3);
        for (var i = 0; i < rgb.Span.Length; i++)
            rgb.Span[i] = (byte)(128 + (i / 48));
        using var pixels = new PreparedPixels(4, 4, rgb, null, 1, 2);
        var writer = new SignedPatchWriter(4, 4, 2, classToken: false);
        for (var frame = 0; frame < 3; frame++)
        {
            var target = new byte[writer.ImageBytes];
            writer.Write(pixels, frame, target);
            Assert.All(target, value => Assert.Equal(frame, value));
        }
    }

    [Fact]
    public void A_tower_of_another_size_is_refused() =>
        Assert.Throws<InvalidDataException>(() => SignedPatchWriter.For(new ResizePlan(16, 16, null, null, null, 3), 18, 48));

    [Fact]
    public void An_image_of_another_size_is_refused()
    {
        using var pixels = new PreparedPixels(8, 8, new PooledBuffer(192), null);
        var writer = new SignedPatchWriter(16, 16, 4);
        Assert.Throws<ArgumentException>(() => writer.Write(pixels, new byte[writer.ImageBytes]));
    }
}
