namespace VlWorker.ModelKit.Checkpoints.Torch;

/// <summary>The numbers behind one or several tensors, in an entry of the archive.</summary>
/// <param name="Type">Their type, by the names of safetensors.</param>
/// <param name="Key">The entry's name below data/.</param>
/// <param name="Count">How many there are.</param>
internal sealed record PickledStorage(string Type, string Key, long Count);

/// <summary>A tensor: a view of a storage.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">Its first element there.</param>
/// <param name="Dims">Its shape.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Dims, long[] Strides);

/// <summary>A function or a class that the file names; only those that make up tensors have a meaning here.</summary>
/// <param name="Name">MODULE.NAME.</param>
internal sealed record PickledGlobal(string Name);

/// <summary>A tuple.</summary>
internal sealed record PickledTuple(object?[] Items);

/// <summary>A dict or an OrderedDict.</summary>
internal sealed class PickledDict
{
    public List<KeyValuePair<object?, object?>> Entries { get; } = [];
}
