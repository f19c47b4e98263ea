namespace VlWorker.ModelKit.Checkpoints;

/// <summary>An open file of weights: safetensors, or PyTorch's own.</summary>
internal interface IWeightFile : IDisposable
{
    /// <summary>All tensors.</summary>
    IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Reads one of <see cref="Tensors"/>, of F32, F16 or BF16, in row-major order. From any thread.</summary>
    /// <exception cref="InvalidDataException">It is of another type, has more elements than an array holds, or its file is damaged.</exception>
    float[] ReadFloats(CheckpointTensor tensor);
}
