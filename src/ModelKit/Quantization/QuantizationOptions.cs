namespace VlWorker.ModelKit.Quantization;

/// <summary>Dynamic int8: integer weights, activations quantised anew at each run.</summary>
internal sealed record DynamicInt8Options
{
    /// <summary>The operators that can be rewritten.</summary>
    public static IReadOnlyList<string> Operators { get; } = ["MatMul", "Gemm", "Gather", "Conv"];

    /// <summary>A scale for each output column of a matrix (and each row of an embedding), else one for the whole tensor.</summary>
    public bool PerChannel { get; init; } = true;

    /// <summary>Signed weights around 0, else unsigned ones with a zero point.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>Weights of 7 bits: older processors without VNNI saturate when they add products of 8 bits.</summary>
    public bool ReduceRange { get; init; }
}

/// <summary>Weight-only quantisation: activations stay floats.</summary>
internal sealed record WeightOnlyOptions
{
    /// <summary>The operators that can be rewritten.</summary>
    public static IReadOnlyList<string> Operators { get; } = ["MatMul", "Gemm", "Gather"];

    /// <summary>Bits a weight: 4 or 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Weights along the input that share a scale: a power of two from 16 to 256.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>No zero points: the range is the same on both sides of 0.</summary>
    public bool Symmetric { get; init; }

    /// <summary>How the engine may compute: 0 as it likes, 1 fp32, 4 int8 activations (the fastest on processors with VNNI).</summary>
    public int AccuracyLevel { get; init; } = 4;

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Bits is not (4 or 8))
            yield return "bits must be 4 or 8";
        if (BlockSize is < 16 or > 256 || !int.IsPow2(BlockSize))
            yield return "the block size must be a power of two from 16 to 256";
        if (AccuracyLevel is < 0 or > 4)
            yield return "the accuracy level must be 0 to 4";
    }
}
