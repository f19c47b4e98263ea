using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>The operators of our own that graphs for CUDA have (<see cref="FusedNames"/>).</summary>
internal static class FusedOperators
{
    private static readonly FusedOperator[] All =
    [
        DepthwiseNorm.Plain, DepthwiseNorm.OfSum, RowNorm.Plain, RowNorm.OfSum, LinearLayer.Activated, LinearLayer.OfSum, LinearLayer.OfNorm, GatedSilu.Operator, LatentAttention.Operator, WindowAttention.Operator,
        GroupQueryStep.Rotated, GroupQueryStep.Biased,
    ];

    // ONNX Runtime keeps pointers to it.
    private static readonly Lazy<nint> Domain = new(static () =>
    {
        var domain = OrtFunctions.CreateDomain(FusedNames.Domain);
        foreach (var one in All)
            OrtFunctions.AddOperator(domain, one.Describe());
        return domain;
    });

    /// <summary>Lets sessions with some options run them.</summary>
    public static void Register(Microsoft.ML.OnnxRuntime.SessionOptions options) => OrtFunctions.AddDomain(options.DangerousGetHandle(), Domain.Value);
}
