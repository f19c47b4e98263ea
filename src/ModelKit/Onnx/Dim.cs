namespace VlWorker.ModelKit.Onnx;

/// <summary>A dimension of a value: a fixed size, or the name of one that is known when the graph runs.</summary>
/// <param name="Size">The size; 0 where there is a name.</param>
/// <param name="Name">The name; null for a fixed size.</param>
internal readonly record struct Dim(long Size, string? Name)
{
    public static implicit operator Dim(long size) => new(size, null);

    public static implicit operator Dim(string name) => new(0, name);

    /// <summary>The dimension in an ONNX file.</summary>
    public TensorShapeProto.Types.Dimension ToProto() => Name is null ? new() { DimValue = Size } : new() { DimParam = Name };
}
