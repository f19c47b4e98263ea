using Google.Protobuf;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Onnx;

public sealed class TensorFieldTests
{
    [Fact]
    public void Typed_fields_hold_what_raw_data_would()
    {
        AssertReads([1.5f, -2], new() { DataType = 1, Dims = { 2 }, FloatData = { 1.5f, -2 } });
        AssertReads([1.5f, -2], new() { DataType = 11, Dims = { 2 }, DoubleData = { 1.5, -2 } });
        AssertReads([1, -2], new() { DataType = 10, Dims = { 2 }, Int32Data = { 0x3C00, 0xC000 } });
        AssertReads([1, -2], new() { DataType = 16, Dims = { 2 }, Int32Data = { 0x3F80, 0xC000 } });
        AssertReads([-3, 4], new() { DataType = 3, Dims = { 2 }, Int32Data = { -3, 4 } });
        AssertReads([200, 1], new() { DataType = 2, Dims = { 2 }, Int32Data = { 200, 1 } });
        AssertReads([1, 0], new() { DataType = 9, Dims = { 2 }, Int32Data = { 1, 0 } });
        AssertReads([-300, 70000], new() { DataType = 6, Dims = { 2 }, Int32Data = { -300, 70000 } });
        AssertReads([-300, 1L << 40], new() { DataType = 7, Dims = { 2 }, Int64Data = { -300, 1L << 40 } });
        AssertReads([uint.MaxValue], new() { DataType = 12, Dims = { 1 }, Uint64Data = { uint.MaxValue } });
        AssertReads([5], new() { DataType = 13, Uint64Data = { 5 } });
        AssertReads([], new() { DataType = 1, Dims = { 0, 7 } });
    }

    [Fact]
    public void Packed_elements_keep_their_bytes()
    {
        var tensor = TensorField.Read(new TensorProto { DataType = 22, Dims = { 3 }, Int32Data = { 0x21, 0x03 } });
        Assert.Equal([0x21, 0x03], tensor.Bytes.ToArray());
    }

    [Fact]
    public void What_does_not_fit_says_why()
    {
        AssertRefused("tensor w: Float [2] asks for 2 entries of data, not 1", new() { DataType = 1, Dims = { 2 }, FloatData = { 1 } });
        AssertRefused("tensor w: Float [2] asks for 8 bytes of data, not 4", new() { DataType = 1, Dims = { 2 }, RawData = ByteString.CopyFrom(1, 2, 3, 4) });
        AssertRefused("asks for 1152921504606846976 entries of data, not 0", new() { DataType = 1, Dims = { 1L << 60 } });
        AssertRefused("has too many elements", new() { DataType = 1, Dims = { 1L << 40, 1L << 40 } });
        AssertRefused("has too many elements", new() { DataType = 11, Dims = { 1L << 60 }, RawData = ByteString.CopyFrom(1) });
        AssertRefused("negative dimension", new() { DataType = 1, Dims = { -1 } });
        AssertRefused("99 is no element type", new() { DataType = 99 });
        AssertRefused("0 is no element type", new());
        AssertRefused("segments", new() { DataType = 1, Segment = new() { Begin = 0 } });
        AssertRefused("holds texts", new() { DataType = 8, StringData = { ByteString.CopyFromUtf8("x") } });
    }

    private static void AssertReads(float[] expected, TensorProto proto)
    {
        Assert.Equal(expected, TensorField.Read(proto).ToFloats());
        var raw = TensorField.Write(TensorField.Read(proto), "w");
        Assert.Equal(expected, TensorField.Read(raw).ToFloats());
    }

    private static void AssertRefused(string reason, TensorProto proto)
    {
        proto.Name = "w";
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => TensorField.Read(proto)).Message);
    }
}
