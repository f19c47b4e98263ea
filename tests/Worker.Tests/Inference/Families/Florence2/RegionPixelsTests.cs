using VlWorker.Inference.Families.Florence2;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

public sealed class RegionPixelsTests
{
    [Fact]
    public void A_bin_is_its_middle_in_pixels_of_the_image()
    {
        var found = RegionPixels.Of(new LocatedRegion("car", RegionShape.Box, [[0, 499, 500, 999]]), 2000, 500);
        Assert.Equal(("car", 1.0, 249.75, 1001.0, 499.75), (found.Label, found.Box.Left, found.Box.Top, found.Box.Right, found.Box.Bottom));
        Assert.Null(found.Polygons);
    }

    [Fact]
    public void Corners_keep_their_order_and_have_the_smallest_box_around_them()
    {
        var found = RegionPixels.Of(new LocatedRegion("STOP", RegionShape.Quadrilateral, [[100, 20, 300, 10, 310, 90, 110, 99]]), 1000, 1000);
        Assert.Equal((100.5, 10.5, 310.5, 99.5), (found.Box.Left, found.Box.Top, found.Box.Right, found.Box.Bottom));
        Assert.Equal([100.5, 20.5, 300.5, 10.5, 310.5, 90.5, 110.5, 99.5], Assert.Single(found.Polygons!));
    }

    [Fact]
    public void A_box_that_the_model_writes_upside_down_is_turned()
    {
        var found = RegionPixels.Of(new LocatedRegion("", RegionShape.Box, [[900, 800, 100, 200]]), 1000, 1000);
        Assert.Equal((100.5, 200.5, 900.5, 800.5), (found.Box.Left, found.Box.Top, found.Box.Right, found.Box.Bottom));
    }
}
