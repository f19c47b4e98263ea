using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>Attention within windows, of queries, keys and values side by side; see <see cref="FusedNames.WindowAttention"/>.</summary>
internal sealed class WindowAttention(NodeAttributes attributes) : FusedKernel
{
    // Sixteen queries a warp.
    private const int ThreadsPerPosition = 2;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.WindowAttention, [TensorType.Float16], [TensorType.Float16], static attributes => new WindowAttention(attributes));

    private readonly int _positions = attributes.Integer(FusedNames.Positions);
    private readonly int _heads = attributes.Integer(FusedNames.Heads);
    private readonly int _size = attributes.Integer(FusedNames.Columns);
    private readonly float _scale = attributes.Float(FusedNames.Scale) * BaseTwo;
    private readonly DeviceFunction _function = new(
        "window_attention", 0, ("POSITIONS", DeviceFunction.Text(attributes.Integer(FusedNames.Positions))),
        ("HEADS", DeviceFunction.Text(attributes.Integer(FusedNames.Heads))), ("SIZE", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))));

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var windows = context.Shape(0)[0];
        var result = context.Output(0, [windows, _positions, _heads * _size]);
        if (windows > 0)
        {
            _function.Launch(
                context.Stream, (windows * _heads, 1, 1), _positions * ThreadsPerPosition, (ulong)context.Input(0), (ulong)result, DeviceFunction.Argument(_scale));
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _function.Dispose();
}
