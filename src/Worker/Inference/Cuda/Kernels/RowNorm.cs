using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>The layer norm of narrow rows, [..., C], plus a vector, or of the sum of two and a vector; see <see cref="FusedNames.RowNorm"/>.</summary>
internal sealed class RowNorm : FusedKernel
{
    private const int Threads = 256;
    private const int Vector = 8;

    /// <summary>Of one value.</summary>
    public static readonly FusedOperator Plain = Describe(FusedNames.RowNorm, sum: false);

    /// <summary>Of the sum of two.</summary>
    public static readonly FusedOperator OfSum = Describe(FusedNames.SumRowNorm, sum: true);

    private readonly DeviceFunction _function;
    private readonly bool _sum;

    private RowNorm(NodeAttributes attributes, bool sum)
    {
        _sum = sum;
        _function = new DeviceFunction(
            "row_norm", 0, ("CHANNELS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))), ("SUM", sum ? "1" : "0"),
            ("EPSILON", DeviceFunction.Text(attributes.Float(FusedNames.Epsilon))));
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var shape = context.Shape(0);
        var vectors = DeviceFunction.Count(shape) / Vector;
        var second = _sum ? 1 : 0;
        var normed = context.Output(0, shape);
        if (vectors > 0)
        {
            _function.Launch(
                context.Stream, ((vectors + Threads - 1) / Threads, 1, 1), Threads, (ulong)context.Input(0), (ulong)context.Input(second),
                (ulong)context.Input(second + 1), (ulong)context.Input(second + 2), (ulong)context.Input(second + 3), (ulong)normed, (ulong)vectors);
        }
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
