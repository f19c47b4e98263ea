namespace VlWorker.ModelKit.Checkpoints;

/// <summary>What a checkpoint says about one of its tensors.</summary>
/// <param name="Name">The parameter's name, as in transformers.</param>
/// <param name="Type">The type of its elements, by the format's own name: F32, F16, BF16, F64, I64, ...</param>
/// <param name="Dims">The shape; empty for a scalar.</param>
/// <param name="Offset">Where its bytes begin, counted from the start of its file.</param>
/// <param name="Length">How many bytes it has.</param>
internal sealed record CheckpointTensor(string Name, string Type, long[] Dims, long Offset, long Length)
{
    /// <summary>How many elements there are.</summary>
    public long Count => Onnx.ElementTypes.Count(Dims);
}
