using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;

namespace VlWorker.ModelKit.Tests.Quantization;

public sealed class IntegerMatrixTests
{
    [Fact]
    public void Unsigned_numbers_use_the_whole_range_and_have_an_exact_zero()
    {
        var matrix = IntegerMatrix.Of([-1, 0, 0.5f, 2], 2, 2, ScaleAxis.Tensor, signed: false, reduceRange: false);

        Assert.Equal(ElementType.UInt8, matrix.Values.Type);
        Assert.Equal([3f / 255], matrix.Scales.ToFloats());
        Assert.Equal([85], matrix.ZeroPoints.Bytes.ToArray());
        Assert.Equal(new byte[] { 0, 85, 127, 255 }, matrix.Values.Bytes.ToArray());
    }

    [Fact]
    public void Signed_numbers_lie_around_zero()
    {
        var matrix = IntegerMatrix.Of([-1, 0, 0.5f, 2], 2, 2, ScaleAxis.Tensor, signed: true, reduceRange: false);

        Assert.Equal(ElementType.Int8, matrix.Values.Type);
        Assert.Equal([2f / 127], matrix.Scales.ToFloats());
        Assert.Equal([0], matrix.ZeroPoints.Bytes.ToArray());
        Assert.Equal([-64, 0, 32, 127], matrix.Values.ToFloats());
    }

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 127)]
    public void A_reduced_range_is_kept(bool signed, int most)
    {
        var matrix = IntegerMatrix.Of(SmallGraphs.Weights(), SmallGraphs.Inputs, SmallGraphs.Outputs, ScaleAxis.Column, signed, reduceRange: true);

        Assert.InRange(matrix.Values.ToFloats().Max(), most - 1, most);
        Assert.InRange(matrix.Values.ToFloats().Min(), signed ? -most : 0, 0);
    }

    [Theory]
    [InlineData("Tensor", 1)]
    [InlineData("Row", SmallGraphs.Inputs)]
    [InlineData("Column", SmallGraphs.Outputs)]
    public void Every_value_is_within_half_a_step_of_its_own_scale(string sharing, int scales)
    {
        var values = SmallGraphs.Weights();
        // One column and one row of another size: with a scale of their own the others keep their steps.
        for (var i = 0; i < values.Length; i++)
            values[i] *= i % SmallGraphs.Outputs == 3 || i / SmallGraphs.Outputs == 5 ? 100 : 1;
        var axis = Enum.Parse<ScaleAxis>(sharing);
        var matrix = IntegerMatrix.Of(values, SmallGraphs.Inputs, SmallGraphs.Outputs, axis, signed: true, reduceRange: false);
        var (integers, steps) = (matrix.Values.ToFloats(), matrix.Scales.ToFloats());

        Assert.Equal(scales, steps.Length);
        for (var i = 0; i < values.Length; i++)
        {
            var step = steps[axis switch { ScaleAxis.Row => i / SmallGraphs.Outputs, ScaleAxis.Column => i % SmallGraphs.Outputs, _ => 0 }];
            Assert.InRange(MathF.Abs((integers[i] * step) - values[i]), 0, 0.5001f * step);
        }
    }

    [Fact]
    public void A_column_of_zeros_stays_zero()
    {
        var matrix = IntegerMatrix.Of([0, 1, 0, -1], 2, 2, ScaleAxis.Column, signed: true, reduceRange: false);

        Assert.Equal([0, 127, 0, -127], matrix.Values.ToFloats());
        Assert.All(matrix.Scales.ToFloats(), scale => Assert.True(scale > 0));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Weights_that_are_no_numbers_are_refused(float strange)
    {
        Assert.Throws<InvalidDataException>(() => IntegerMatrix.Of([1, strange], 1, 2, ScaleAxis.Tensor, signed: true, reduceRange: false));
        Assert.Throws<InvalidDataException>(() => BlockMatrix.Of([1, strange], 2, 1, new WeightOnlyOptions()));
    }
}
