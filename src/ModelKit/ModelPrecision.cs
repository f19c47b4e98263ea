namespace VlWorker.ModelKit;

/// <summary>The number format of a model's graphs, told apart by the suffix of their file names.</summary>
public enum ModelPrecision
{
    /// <summary>The first of fp32, quantized, fp16, q8 and q4 that is there in full: the most faithful one first, then the fastest on a CPU.</summary>
    Auto,

    /// <summary>32-bit floats, <c>encoder_model.onnx</c>.</summary>
    Fp32,

    /// <summary>Dynamic 8-bit integers, <c>encoder_model_quantized.onnx</c>.</summary>
    Quantized,

    /// <summary>16-bit floats, <c>encoder_model_fp16.onnx</c>.</summary>
    Fp16,

    /// <summary>Weights of 8 bits in blocks, activations as floats, <c>encoder_model_q8.onnx</c>.</summary>
    Q8,

    /// <summary>Weights of 4 bits in blocks, activations as floats, <c>encoder_model_q4.onnx</c>.</summary>
    Q4,
}
