using FsCheck.Xunit;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

public sealed class VerificationPlotsTests
{
    [Fact]
    public void Distances_have_a_bin_each_and_the_last_holds_the_rest()
    {
        Assert.Equal([new Bin("0", 2), new Bin("1", 0)], VerificationPlots.Distances([0, 0]));
        var bins = VerificationPlots.Distances([0, 3, 12, 40]);

        Assert.Equal(13, bins.Count);
        Assert.Equal(new Bin("12+", 2), bins[^1]);
        Assert.Equal(4, bins.Sum(bin => bin.Count));
    }

    [Fact]
    public void Cosines_of_one_lie_in_the_last_bin_and_bins_have_round_bounds()
    {
        var bins = VerificationPlots.Cosines([1, 1, 0.9991]);

        Assert.Equal((20, 2), (bins.Count, bins[^1].Count));
        Assert.Equal("0.99900", bins[0].Label);
        Assert.Equal("0.99995", bins[^1].Label);
    }

    [Property]
    public bool Every_cosine_is_in_a_bin(double[] values)
    {
        var cosines = values.Where(double.IsFinite).Select(value => Math.Cos(value)).Append(1).ToList();
        return VerificationPlots.Cosines(cosines).Sum(bin => bin.Count) == cosines.Count;
    }
}
