using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace VlWorker.Inference.Engine;

/// <summary>One graph, loaded. Runs may go on in several threads at once; they share the weights.</summary>
internal sealed class OnnxSession : IDisposable
{
    private static readonly RunOptions PlainRun = new();
    private static readonly RunOptions ShrinkingRun = Shrinking();
    private readonly InferenceSession _session;
    private readonly GraphWatch? _watch;
    private int _trims = MemoryTrim.Requests;

    /// <summary>Loads a graph and optimises it for this processor.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it runs.</param>
    /// <param name="asBuilt">Whether its operators are those wanted already: ONNX Runtime then fuses none of them into others.</param>
    /// <exception cref="OnnxRuntimeException">The file is damaged or asks for something unknown.</exception>
    public OnnxSession(string path, ModelOptions options, bool asBuilt = false)
    {
        (Name, _watch) = (Path.GetFileName(path), options.Watch);
        using var settings = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            GraphOptimizationLevel = asBuilt ? GraphOptimizationLevel.ORT_ENABLE_BASIC : GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = options.IntraOpThreads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            // Failures come as exceptions with the same text.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Streams compete for the cores: a thread that spins while it waits takes time from one that works.
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        settings.AddSessionConfigEntry("session.inter_op.allow_spinning", "0");
        // Positions and rows change at every step: a plan per shape would be kept for each of them and never used again.
        settings.EnableMemoryPattern = false;
        _session = new InferenceSession(path, settings);
        Inputs = _session.InputMetadata;
        Outputs = _session.OutputMetadata;
    }

    /// <summary>The file's name, for messages.</summary>
    public string Name { get; }

    /// <summary>Declared inputs; unknown dimensions are -1.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Inputs { get; }

    /// <summary>Declared outputs; unknown dimensions are -1.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Outputs { get; }

    /// <summary>A tensor over memory that must outlive it.</summary>
    public static OrtValue Tensor(TensorBuffer buffer, TensorElementType type, params long[] shape) => TensorAt(buffer, 0, type, shape);

    /// <summary>A tensor over a part of memory that must outlive it.</summary>
    /// <param name="buffer">The memory.</param>
    /// <param name="offset">Where the tensor begins, in bytes.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="shape">Its dimensions.</param>
    public static OrtValue TensorAt(TensorBuffer buffer, long offset, TensorElementType type, long[] shape)
    {
        var bytes = SizeOf(type);
        foreach (var dimension in shape)
            bytes *= dimension;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, buffer.Capacity);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, shape, buffer.Pointer + (nint)offset, bytes);
    }

    /// <summary>Bytes of an element.</summary>
    public static long SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Int64 or TensorElementType.UInt64 or TensorElementType.Double => 8,
        TensorElementType.Float or TensorElementType.Int32 or TensorElementType.UInt32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Int16 or TensorElementType.UInt16 => 2,
        _ => 1,
    };

    /// <summary>Runs the graph; outputs are written into the memory of <paramref name="outputs"/>.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    public void Run(IReadOnlyList<string> inputNames, IReadOnlyList<OrtValue> inputs, IReadOnlyList<string> outputNames, IReadOnlyList<OrtValue> outputs)
    {
        _watch?.Invoke(Name, inputNames, inputs);
        _session.Run(ThisRun(), inputNames, inputs, outputNames, outputs);
    }

    /// <summary>Runs the graph once and tells the shape of an output.</summary>
    public long[] Probe(string input, OrtValue value, string output)
    {
        using var results = _session.Run(PlainRun, [input], [value], [output]);
        return results[0].GetTensorTypeAndShape().Shape;
    }

    /// <summary>The element type of an input, of those that the caller can write.</summary>
    /// <exception cref="InvalidDataException">The input is absent or of another type.</exception>
    public TensorElementType InputType(string name, params ReadOnlySpan<TensorElementType> accepted)
    {
        if (!Inputs.TryGetValue(name, out var input))
            throw new InvalidDataException($"{Name} has no input {name}");
        return accepted.Contains(input.ElementDataType) ? input.ElementDataType
            : throw new InvalidDataException($"input {name} of {Name} is of type {input.ElementDataType}, which is not supported");
    }

    /// <summary>The first of some outputs that the graph has.</summary>
    /// <exception cref="InvalidDataException">It has none of them, or not as 32-bit floats.</exception>
    public string FloatOutput(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!Outputs.TryGetValue(name, out var output))
                continue;
            return output.ElementDataType == TensorElementType.Float ? name
                : throw new InvalidDataException($"output {name} of {Name} is of type {output.ElementDataType}: only 32-bit floats are supported");
        }

        throw new InvalidDataException($"{Name} has no output {string.Join(" or ", names!)}");
    }

    /// <summary>Checks that the graph wants nothing but what the caller feeds.</summary>
    /// <exception cref="InvalidDataException">It does.</exception>
    public void Expect(Func<string, bool> known)
    {
        var strange = Inputs.Keys.Where(name => !known(name)).ToList();
        if (strange.Count > 0)
            throw new InvalidDataException($"{Name} has inputs that this family does not know: {string.Join(", ", strange)}");
    }

    /// <summary>The first run after a request to trim gives back what the arena holds.</summary>
    private RunOptions ThisRun()
    {
        var requests = MemoryTrim.Requests;
        return requests != _trims && Interlocked.Exchange(ref _trims, requests) != requests ? ShrinkingRun : PlainRun;
    }

    private static RunOptions Shrinking()
    {
        var options = new RunOptions();
        options.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        return options;
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();
}
