using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class PositionWeightsTests
{
    [Fact]
    public void As_many_patches_as_positions_take_them_as_they_are()
    {
        var weights = new PositionWeights(16).Of(16);
        Assert.All(Enumerable.Range(0, 256), i => Assert.Equal(i % 17 == 0 ? 1 : 0, weights[i]));
    }

    [Theory]
    [InlineData(2, 4, new[] { 1, 0, 0.75f, 0.25f, 0.25f, 0.75f, 0, 1 })] // patches between positions, by their distances
    [InlineData(4, 2, new[] { 3 / 7f, 3 / 7f, 1 / 7f, 0, 0, 1 / 7f, 3 / 7f, 3 / 7f })] // a patch as wide as two positions
    public void Patches_between_positions_take_of_both(int learned, int patches, float[] expected) =>
        Assert.Equal(expected, new PositionWeights(learned).Of(patches), Near);

    [Theory]
    [InlineData(16, 3)]
    [InlineData(16, 1)]
    [InlineData(16, 40)]
    [InlineData(1, 7)]
    public void Weights_of_a_patch_add_up_to_one_and_mirror(int learned, int patches)
    {
        var weights = new PositionWeights(learned).Of(patches);
        for (var patch = 0; patch < patches; patch++)
        {
            var row = weights.AsSpan(patch * learned, learned).ToArray();
            Assert.Equal(1, row.Sum(), 1e-5);
            Assert.Equal(row, weights.AsSpan((patches - 1 - patch) * learned, learned).ToArray().Reverse(), Near);
        }
    }

    private static bool Near(float first, float second) => Math.Abs(first - second) < 1e-6;
}
