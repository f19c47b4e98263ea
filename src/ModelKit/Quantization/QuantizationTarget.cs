namespace VlWorker.ModelKit.Quantization;

/// <summary>What a model's graphs become.</summary>
internal enum QuantizationTarget
{
    /// <summary>Dynamic 8-bit integers, suffix <c>_quantized</c>.</summary>
    Int8,

    /// <summary>Weights of 8 bits in blocks, activations as floats, suffix <c>_q8</c>.</summary>
    Weights8,

    /// <summary>Weights of 4 bits in blocks, activations as floats, suffix <c>_q4</c>.</summary>
    Weights4,

    /// <summary>16-bit floats, suffix <c>_fp16</c>.</summary>
    Fp16,
}
