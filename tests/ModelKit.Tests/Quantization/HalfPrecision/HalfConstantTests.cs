using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.ModelKit.Tests.Quantization.HalfPrecision;

public sealed class HalfConstantTests
{
    [Theory]
    [InlineData(0f, true)]
    [InlineData(0.125f, true)]
    [InlineData(65504f, true)]
    [InlineData(1e5f, false)]
    [InlineData(1e-12f, false)]
    [InlineData(1e-5f, false)]
    [InlineData(float.MinValue, true)]
    [InlineData(float.NegativeInfinity, true)]
    public void A_constant_fits_if_it_keeps_its_digits_or_is_a_mask(float value, bool fits) =>
        Assert.Equal(fits, HalfConstant.Obstacle([value]) is null);

    [Fact]
    public void A_few_small_weights_may_vanish_and_many_may_not()
    {
        Assert.Null(HalfConstant.Obstacle([1, -0.5f, 1e-9f]));
        Assert.NotNull(HalfConstant.Obstacle([1e-7f, -2e-7f, 3e-7f]));
    }

    [Fact]
    public void Masks_are_finite_and_leave_room()
    {
        var values = HalfConstant.Convert(Tensor.FromFloats([float.MinValue, float.NegativeInfinity, 2], [3])).ToFloats();

        Assert.Equal([-32752, float.NegativeInfinity, 2], values);
    }
}
