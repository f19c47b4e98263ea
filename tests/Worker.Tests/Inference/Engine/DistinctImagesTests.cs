using VlWorker.Buffers;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class DistinctImagesTests : IDisposable
{
    private readonly List<PreparedPixels> _made = [];

    [Fact]
    public void An_image_that_came_before_is_known_again_and_only_that()
    {
        var images = new DistinctImages();
        var changed = Image(8, 6, at: (8 * 6 * 3) - 1);
        int[] places = [.. new[] { Image(8, 6), Image(8, 6), changed, Image(6, 8), Image(8, 6, tiles: 1), changed, Image(8, 6) }.Select(images.Add)];
        Assert.Equal([0, 0, 1, 2, 3, 1, 0], places);
        Assert.Equal([_made[1], changed, _made[3], _made[4]], images.Images);
    }

    [Fact]
    public void Any_pixel_tells_two_apart()
    {
        var images = new DistinctImages();
        images.Add(Image(5, 7));
        for (var at = 0; at < 5 * 7 * 3; at++)
            Assert.Equal(at + 1, images.Add(Image(5, 7, at: at)));
    }

    [Fact]
    public void Rows_that_are_made_up_of_one_image_cost_as_much_as_others()
    {
        var images = new DistinctImages();
        using var sample = new PreparedPixels(2, 2, new PooledBuffer(12), null) { IsMadeUp = true };
        Assert.Equal([0, 1, 2], new[] { sample, sample, sample }.Select(images.Add));
        Assert.Equal(3, images.Images.Count);
    }

    public void Dispose()
    {
        foreach (var image in _made)
            image.Dispose();
    }

    private PreparedPixels Image(int width, int height, int? at = null, int tiles = 0)
    {
        var buffer = new PooledBuffer(width * height * 3 * (tiles + 1));
        buffer.Span.Fill(7);
        if (at is { } place)
            buffer.Span[place]++;
        _made.Add(new PreparedPixels(width, height, buffer, null, tiles, tiles));
        return _made[^1];
    }
}
