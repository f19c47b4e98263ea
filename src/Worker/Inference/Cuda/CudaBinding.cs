using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Cuda;

/// <summary>Inputs and outputs of a graph at fixed places in memory. The memory must outlive it.</summary>
internal sealed class CudaBinding(CudaSession session, OrtIoBinding binding) : IDisposable
{
    private readonly List<OrtValue> _values = [];

    /// <summary>Binds an input on the GPU.</summary>
    public void Input(string name, nint pointer, TensorElementType type, params long[] shape) => binding.BindInput(name, Value(session.Memory, pointer, type, shape));

    /// <summary>Binds an input on the host, for what decides about kernels: shapes and lengths. Read when the run is queued.</summary>
    public void HostInput(string name, nint pointer, TensorElementType type, params long[] shape) =>
        binding.BindInput(name, Value(OrtMemoryInfo.DefaultInstance, pointer, type, shape));

    /// <summary>Binds an output on the GPU.</summary>
    public void Output(string name, nint pointer, TensorElementType type, params long[] shape) => binding.BindOutput(name, Value(session.Memory, pointer, type, shape));

    /// <summary>Queues a run.</summary>
    public void Queue() => session.Queue(binding);

    /// <inheritdoc/>
    public void Dispose()
    {
        binding.Dispose();
        foreach (var value in _values)
            value.Dispose();
    }

    private OrtValue Value(OrtMemoryInfo memory, nint pointer, TensorElementType type, long[] shape)
    {
        var bytes = OnnxSession.SizeOf(type);
        foreach (var dimension in shape)
            bytes *= dimension;
        var value = OrtValue.CreateTensorValueWithData(memory, type, shape, pointer, bytes);
        _values.Add(value);
        return value;
    }
}
