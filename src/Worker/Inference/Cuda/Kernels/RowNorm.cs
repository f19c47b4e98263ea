using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>The layer norm of rows, [..., C], plus a vector, or of the sum of two and a vector; see <see cref="FusedNames.RowNorm"/>.</summary>
internal sealed class RowNorm(NodeAttributes attributes, bool sum) : FusedKernel
{
    /// <summary>Of one value.</summary>
    public static readonly FusedOperator Plain = Describe(FusedNames.RowNorm, sum: false);

    /// <summary>Of the sum of two.</summary>
    public static readonly FusedOperator OfSum = Describe(FusedNames.SumRowNorm, sum: true);

    private readonly RowNormFunction _function = new(attributes, sum ? RowNormTerms.Sum : RowNormTerms.One);

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var shape = context.Shape(0);
        var (second, normed) = (sum ? 1 : 0, context.Output(0, shape));
        _function.Launch(
            context.Stream, DeviceFunction.Count(shape), context.Input(0), context.Input(second), context.Input(second + 1),
            (context.Input(second + 2), context.Input(second + 3)), normed, normed);
    }

    /// <inheritdoc/>
    public override void Dispose() => _function.Dispose();

    private static FusedOperator Describe(string name, bool sum)
    {
        TensorType[] values = sum ? [TensorType.Float16, TensorType.Float16] : [TensorType.Float16];
        return new FusedOperator(
            name, [.. values, TensorType.Float, TensorType.Float, TensorType.Float], [TensorType.Float16], attributes => new RowNorm(attributes, sum));
    }
}
