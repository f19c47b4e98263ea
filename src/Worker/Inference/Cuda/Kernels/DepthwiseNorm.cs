using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// A depthwise convolution, 3 x 3, of maps [images, height * width, C], or of the sum of two and a vector; and its layer norm. C divides 2048 and is a
/// multiple of 8.
/// </summary>
internal sealed class DepthwiseNorm : FusedKernel
{
    private const int Threads = 256;
    // Columns of a block: fewer are read twice, more leave processors without work at the end.
    private const int Strip = 12;
    private const int Vector = 8;
    private const int Taps = 9;

    /// <summary>Of one map: the map, then what <see cref="FusedNames.DepthwiseNorm"/> says.</summary>
    public static readonly FusedOperator Plain = Describe(FusedNames.DepthwiseNorm, sum: false);

    /// <summary>Of the sum of two maps and a vector, [C].</summary>
    public static readonly FusedOperator OfSum = Describe(FusedNames.SumDepthwiseNorm, sum: true);

    private readonly DeviceFunction _function;
    private readonly bool _sum;
    private readonly int _width;
    private readonly int _height;
    private readonly int _rows;

    private DepthwiseNorm(NodeAttributes attributes, bool sum)
    {
        var channels = attributes.Integer(FusedNames.Columns);
        (_sum, _width, _height) = (sum, attributes.Integer(FusedNames.Width), attributes.Integer(FusedNames.Height));
        _rows = Threads / (channels / Vector);
        _function = new DeviceFunction(
            "depthwise_norm", Taps * channels * sizeof(float),
            ("CHANNELS", DeviceFunction.Text(channels)), ("WIDTH", DeviceFunction.Text(_width)), ("HEIGHT", DeviceFunction.Text(_height)),
            ("SUM", sum ? "1" : "0"), ("STRIP", DeviceFunction.Text(Strip)),
            ("IN_SIDE", DeviceFunction.Text(attributes.Integer(FusedNames.InSide))), ("OUT_SIDE", DeviceFunction.Text(attributes.Integer(FusedNames.OutSide))),
            ("EPSILON", DeviceFunction.Text(attributes.Float(FusedNames.Epsilon))));
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var shape = context.Shape(0);
        var index = 0;
        ulong Next() => (ulong)context.Input(index++);
        var (map, other, shift) = (Next(), _sum ? Next() : 0, _sum ? Next() : 0);
        var (weight, bias, gamma, beta) = (Next(), Next(), Next(), Next());
        var (convolved, normed) = ((ulong)context.Output(0, shape), (ulong)context.Output(1, shape));
        _function.Launch(
            context.Stream, ((_width + Strip - 1) / Strip, (_height + _rows - 1) / _rows, shape[0]), Threads,
            map, other, shift, weight, bias, gamma, beta, convolved, normed);
    }

    /// <inheritdoc/>
    public override void Dispose() => _function.Dispose();

    private static FusedOperator Describe(string name, bool sum)
    {
        TensorType[] maps = sum ? [TensorType.Float16, TensorType.Float16, TensorType.Float] : [TensorType.Float16];
        return new FusedOperator(
            name, [.. maps, TensorType.Float, TensorType.Float, TensorType.Float, TensorType.Float], [TensorType.Float16, TensorType.Float16],
            attributes => new DepthwiseNorm(attributes, sum));
    }
}
