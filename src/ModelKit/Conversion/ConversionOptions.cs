namespace VlWorker.ModelKit.Conversion;

/// <summary>The kind of processor that graphs are built for.</summary>
public enum ConversionTarget
{
    /// <summary>ONNX Runtime on processor cores.</summary>
    Cpu,

    /// <summary>ONNX Runtime on a CUDA device.</summary>
    Cuda,
}

/// <summary>The number format of the graphs' weights.</summary>
public enum ConversionPrecision
{
    /// <summary>32-bit floats.</summary>
    Fp32,

    /// <summary>16-bit floats.</summary>
    Fp16,

    /// <summary>8-bit integers, inputs quantised while the graph runs.</summary>
    Int8,
}

/// <summary>What to make of a model.</summary>
/// <param name="Target">For which processor.</param>
/// <param name="Precision">In which number format.</param>
public sealed record ConversionOptions(ConversionTarget Target, ConversionPrecision Precision)
{
    /// <summary>The target's name in a manifest.</summary>
    public string TargetName => Target.ToString().ToLowerInvariant();

    /// <summary>The precision's name in a manifest.</summary>
    public string PrecisionName => Precision.ToString().ToLowerInvariant();
}
