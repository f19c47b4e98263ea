namespace VlWorker.ModelKit.Checkpoints.Torch;

/// <summary>The few names that a pickle of tensors needs, and what they make.</summary>
internal static class PickledTensors
{
    /// <summary>Types of elements, by the names of safetensors.</summary>
    private static readonly Dictionary<string, string> Storages = new(StringComparer.Ordinal)
    {
        ["torch.FloatStorage"] = "F32",
        ["torch.HalfStorage"] = "F16",
        ["torch.BFloat16Storage"] = "BF16",
        ["torch.DoubleStorage"] = "F64",
        ["torch.LongStorage"] = "I64",
        ["torch.IntStorage"] = "I32",
        ["torch.ShortStorage"] = "I16",
        ["torch.CharStorage"] = "I8",
        ["torch.ByteStorage"] = "U8",
        ["torch.BoolStorage"] = "BOOL",
    };

    /// <summary>Elements of a storage at most: what is larger is a lie.</summary>
    private const long MostElements = 1L << 40;

    private static readonly string[] Functions = ["collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"];

    /// <summary>A name that the pickle uses.</summary>
    /// <exception cref="InvalidDataException">It does not belong to tensors: Python would run it.</exception>
    public static PickledGlobal Global(string name) => Storages.ContainsKey(name) || Functions.Contains(name)
        ? new PickledGlobal(name)
        : throw new InvalidDataException($"it asks Python for {Onnx.TensorField.Printable(name)}, which is no part of a tensor, and is refused");

    /// <summary>What a function would give.</summary>
    /// <exception cref="InvalidDataException">The arguments are not those that torch.save writes.</exception>
    public static object? Call(PickledGlobal function, object?[] arguments) => (function.Name, arguments) switch
    {
        ("collections.OrderedDict", []) => new PickledDict(),
        ("torch._utils._rebuild_parameter", [PickledTensor tensor, ..]) => tensor,
        ("torch._utils._rebuild_tensor_v2", [PickledStorage storage, long offset, PickledTuple size, PickledTuple stride, ..]) =>
            Tensor(storage, offset, size, stride),
        _ => throw new InvalidDataException($"it calls {function.Name} in a way that torch.save does not"),
    };

    /// <summary>A storage, of what the pickle calls its persistent id: ("storage", class, key, device, count).</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static PickledStorage Storage(object? id) =>
        id is PickledTuple { Items: ["storage", PickledGlobal { Name: var type }, string key, string, long count] }
            && Storages.TryGetValue(type, out var name) && count is >= 0 and <= MostElements
            ? new PickledStorage(name, key, count)
            : throw new InvalidDataException("a storage in it is not described as torch.save does");

    private static PickledTensor Tensor(PickledStorage storage, long offset, PickledTuple size, PickledTuple stride)
    {
        var (dims, strides) = (Integers(size), Integers(stride));
        if (offset < 0 || dims.Length != strides.Length)
            throw new InvalidDataException("a tensor in it is malformed");
        var count = (Int128)Onnx.ElementTypes.Count(dims);
        var last = dims.Zip(strides).Aggregate((Int128)offset, static (sum, pair) => sum + ((Int128)Math.Max(0, pair.First - 1) * pair.Second));
        if (count > storage.Count || (count > 0 && last >= storage.Count))
            throw new InvalidDataException($"a tensor in it reaches beyond its storage of {storage.Count} elements");
        return new PickledTensor(storage, offset, dims, strides);
    }

    private static long[] Integers(PickledTuple tuple) =>
        [.. tuple.Items.Select(static item => item is long and >= 0
            ? (long)item
            : throw new InvalidDataException("a tensor in it has a shape that is none"))];
}
