using VlWorker.Decoding;

namespace VlWorker.Worker.Tests.Decoding;

/// <summary>Runs alone: allocations are counted for the whole process.</summary>
[CollectionDefinition(nameof(DecodingAllocationTests), DisableParallelization = true)]
public sealed class DecodingAllocationCollection;

[Collection(nameof(DecodingAllocationTests))]
public sealed class DecodingAllocationTests
{
    // Pixels are pooled or unmanaged; what is left are the small objects of a task and of Skia's wrappers.
    private const int BytesPerImage = 16 << 10;

    [Theory]
    [InlineData("000000229358.jpg")]
    [InlineData("half-transparent.png")]
    [InlineData("exif3.webp")]
    [InlineData("animated.gif")]
    public async Task Decoding_allocates_little_on_the_managed_heap(string name)
    {
        using var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1 });
        var encoded = GoldenPixels.Image(name);
        await DecodeAsync(decoder, encoded, 20);
        var before = GC.GetTotalAllocatedBytes(true);
        await DecodeAsync(decoder, encoded, 50);
        Assert.InRange((GC.GetTotalAllocatedBytes(true) - before) / 50, 0, BytesPerImage);
    }

    private static async Task DecodeAsync(ImageDecoder decoder, byte[] encoded, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var image = await decoder.DecodeAsync(encoded, [GoldenPixels.Vit, GoldenPixels.Clip], default);
            foreach (var prepared in image.Prepared)
                prepared.Dispose();
        }
    }
}
