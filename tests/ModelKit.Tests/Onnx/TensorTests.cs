using System.Runtime.InteropServices;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Onnx;

public sealed class TensorTests
{
    [Theory]
    [InlineData(ElementType.Float, 1f / 3)]
    [InlineData(ElementType.Float16, 0.33325195f)]
    [InlineData(ElementType.BFloat16, 0.33398438f)]
    internal void Floats_are_rounded_to_what_the_type_can_hold(ElementType type, float expected)
    {
        var tensor = Tensor.FromFloats([1f / 3, -2, float.PositiveInfinity], [3], type);
        Assert.Equal([expected, -2, float.PositiveInfinity], tensor.ToFloats());
    }

    [Fact]
    public void Rounding_to_bfloat16_goes_to_the_even_neighbour_and_keeps_NaN()
    {
        float[] values = [FromBits(0x3F80_8000), FromBits(0x3F81_8000), FromBits(0x3F80_8001), FromBits(0x7F80_0001)];
        var bits = MemoryMarshal.Cast<byte, ushort>(Tensor.FromFloats(values, [4], ElementType.BFloat16).Bytes.Span).ToArray();
        Assert.Equal([0x3F80, 0x3F82, 0x3F81], bits[..3].Select(value => (int)value));
        Assert.True(float.IsNaN(FromBits((uint)bits[3] << 16)));
    }

    [Fact]
    public void Bytes_have_to_fit_the_shape()
    {
        Assert.Contains("has 8 bytes, not 4", Assert.Throws<InvalidDataException>(() => new Tensor(ElementType.Float, [2], new byte[4])).Message);
        Assert.Throws<InvalidDataException>(() => new Tensor(ElementType.Float, [-1], new byte[4]));
        Assert.Throws<InvalidDataException>(() => new Tensor(ElementType.Float, [1L << 40, 1L << 40], new byte[4]));
        Assert.Throws<InvalidDataException>(() => new Tensor((ElementType)99, [1], new byte[4]));
        Assert.Equal(3, new Tensor(ElementType.UInt4, [5], new byte[3]).Bytes.Length);
    }

    [Fact]
    public void Integers_are_read_as_they_are()
    {
        Assert.Equal([-3, 4], Tensor.FromInt8([-3, 4], [2]).ToFloats());
        Assert.Equal([200], Tensor.Scalar((byte)200).ToFloats());
        Assert.Equal([7, -8], Tensor.FromInt32([7, -8], [2]).ToInt64());
        Assert.Equal([1L << 40], Tensor.Scalar(1L << 40).ToInt64());
        Assert.Throws<InvalidDataException>(() => new Tensor(ElementType.Int4, [2], new byte[1]).ToFloats());
    }

    private static float FromBits(uint bits) => BitConverter.UInt32BitsToSingle(bits);
}
