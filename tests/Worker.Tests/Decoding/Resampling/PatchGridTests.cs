using VlWorker.Decoding;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding.Resampling;

/// <summary>Sizes of whole patches, as SigLIP 2 NaFlex has them.</summary>
public sealed class PatchGridTests
{
    private static readonly ResizePlan Plan = new(256, 256, null, null, null, 2) { Grid = new PatchGrid(16, 256) };

    [Theory]
    [InlineData(256, 256, 16, 16)]
    [InlineData(64, 64, 16, 16)] // enlarged
    [InlineData(4096, 16, 256, 1)]
    [InlineData(1, 1, 7, 7)] // by no more than a hundred times
    public void An_image_has_as_many_patches_as_it_may(int width, int height, int columns, int rows)
    {
        var geometry = ResizeGeometry.Of(Plan, width, height);
        Assert.Equal((columns * 16, rows * 16), (geometry.Width, geometry.Height));
    }

    [Fact]
    public void Every_aspect_has_whole_patches_and_never_too_many()
    {
        for (var width = 1; width <= 3000; width += 37)
        {
            foreach (var height in (int[])[1, 17, 480, 1000, 100_000])
            {
                var geometry = ResizeGeometry.Of(Plan, width, height);
                Assert.Equal((0, 0), (geometry.Width % 16, geometry.Height % 16));
                Assert.InRange(geometry.Width / 16 * (geometry.Height / 16), 1, 256);
                Assert.InRange(geometry.Bytes, 1, DecodingCost.MostPrepared(Plan));
            }
        }
    }
}
