using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>A graph for CUDA in 32-bit floats, run on the processor, whose kernels compute the same.</summary>
internal sealed class GraphRun(OnnxModel model) : IDisposable
{
    private readonly InferenceSession _session = new(model.ToBytes());
    private readonly RunOptions _options = new();

    public IReadOnlyDictionary<string, float[]> Floats { get; private set; } = new Dictionary<string, float[]>();

    public IReadOnlyDictionary<string, long[]> Integers { get; private set; } = new Dictionary<string, long[]>();

    /// <summary>An input's declared shape.</summary>
    public int[] Shape(string input) => _session.InputMetadata[input].Dimensions;

    /// <summary>Runs it; inputs by name: values and shape.</summary>
    public GraphRun Run(params (string Name, Array Values, long[] Shape)[] inputs)
    {
        var values = inputs.Select(input => Value(input.Values, input.Shape)).ToList();
        string[] outputs = [.. _session.OutputMetadata.Keys];
        using var results = _session.Run(_options, [.. inputs.Select(input => input.Name)], values, outputs);
        var types = outputs.Select((name, i) => (name, Result: results[i], Type: results[i].GetTensorTypeAndShape().ElementDataType)).ToList();
        Floats = types.Where(entry => entry.Type == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float)
            .ToDictionary(entry => entry.name, entry => entry.Result.GetTensorDataAsSpan<float>().ToArray(), StringComparer.Ordinal);
        Integers = types.Where(entry => entry.Type is Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int64 or Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int32)
            .ToDictionary(entry => entry.name, entry => Whole(entry.Result, entry.Type), StringComparer.Ordinal);
        values.ForEach(value => value.Dispose());
        return this;
    }

    public void Dispose()
    {
        _session.Dispose();
        _options.Dispose();
    }

    private static long[] Whole(OrtValue value, Microsoft.ML.OnnxRuntime.Tensors.TensorElementType type) =>
        type == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int64
            ? value.GetTensorDataAsSpan<long>().ToArray()
            : [.. value.GetTensorDataAsSpan<int>().ToArray().Select(number => (long)number)];

    private static OrtValue Value(Array values, long[] shape) => values switch
    {
        float[] floats => OrtValue.CreateTensorValueFromMemory(floats, shape),
        long[] longs => OrtValue.CreateTensorValueFromMemory(longs, shape),
        int[] ints => OrtValue.CreateTensorValueFromMemory(ints, shape),
        // To a pattern, arrays of signed and of unsigned bytes are the same.
        byte[] bytes when values.GetType() == typeof(byte[]) => OrtValue.CreateTensorValueFromMemory(bytes, shape),
        sbyte[] bytes => OrtValue.CreateTensorValueFromMemory(bytes, shape),
        _ => throw new ArgumentException("another type", nameof(values)),
    };
}
