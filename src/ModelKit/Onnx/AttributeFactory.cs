using Google.Protobuf;
using Kind = VlWorker.ModelKit.Onnx.AttributeProto.Types.AttributeType;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Attributes of nodes from values of .NET.</summary>
internal static class AttributeFactory
{
    /// <summary>Makes an attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">int, long, bool (0 or 1), <see cref="ElementType"/>, float, string, Tensor, or an array of int, long, float or string.</param>
    /// <exception cref="ArgumentException">The value is of another type.</exception>
    public static AttributeProto Create(string name, object value) => value switch
    {
        int number => new() { Name = name, Type = Kind.Int, I = number },
        long number => new() { Name = name, Type = Kind.Int, I = number },
        bool flag => new() { Name = name, Type = Kind.Int, I = flag ? 1 : 0 },
        ElementType type => new() { Name = name, Type = Kind.Int, I = (int)type },
        float number => new() { Name = name, Type = Kind.Float, F = number },
        string text => new() { Name = name, Type = Kind.String, S = ByteString.CopyFromUtf8(text) },
        Tensor tensor => new() { Name = name, Type = Kind.Tensor, T = TensorField.Write(tensor, "") },
        int[] numbers => new() { Name = name, Type = Kind.Ints, Ints = { numbers.Select(static number => (long)number) } },
        long[] numbers => new() { Name = name, Type = Kind.Ints, Ints = { numbers } },
        float[] numbers => new() { Name = name, Type = Kind.Floats, Floats = { numbers } },
        string[] texts => new() { Name = name, Type = Kind.Strings, Strings = { texts.Select(ByteString.CopyFromUtf8) } },
        _ => throw new ArgumentException($"attribute {name}: no attribute holds a {value?.GetType().Name ?? "null"}", nameof(value)),
    };
}
