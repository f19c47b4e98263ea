namespace VlWorker.ModelKit.Tests.Exports;

public enum LinearForm
{
    MatMulAdd,
    AddMatMul,
    Gemm,
    GemmTransposed,
    TransposedInGraph,
    FusedTransposed,
}

public enum NormForm
{
    Operator,
    Decomposed,
    SkipFused,
}

public enum GeluForm
{
    Operator,
    Decomposed,
    BiasFused,
}

public enum AttentionForm
{
    Softmax,
    ScaledOperands,
    ScaledByShape,
    Packed,
    Opset23,
    MultiHead,
    MicrosoftPacked,
}

/// <summary>How an exporter writes what every exporter writes in its own way.</summary>
public sealed record Dialect(
    LinearForm Linear = LinearForm.MatMulAdd,
    NormForm Norm = NormForm.Operator,
    GeluForm Gelu = GeluForm.Decomposed,
    AttentionForm Attention = AttentionForm.Softmax,
    bool Anonymous = false,
    bool ConstantNodes = false,
    bool Casts = false);
