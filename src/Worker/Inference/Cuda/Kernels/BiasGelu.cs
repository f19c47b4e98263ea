using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>gelu(x + bias) over rows: x [..., C], bias [C]. C is a multiple of 8.</summary>
internal sealed class BiasGelu(NodeAttributes attributes) : FusedKernel
{
    private const int Threads = 256;
    private const int VectorsPerThread = 4;
    private const int Vector = 8;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.BiasGelu, [TensorType.Float16, TensorType.Float16], [TensorType.Float16], static attributes => new BiasGelu(attributes));

    private readonly DeviceFunction _function = new(
        "bias_gelu", 0,
        ("COLUMNS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))), ("TANH", DeviceFunction.Text(attributes.Integer(FusedNames.Tanh))));

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var shape = context.Shape(0);
        var vectors = DeviceFunction.Count(shape) / Vector;
        const int PerBlock = Threads * VectorsPerThread;
        var result = context.Output(0, shape);
        if (vectors > 0)
            _function.Launch(context.Stream, ((vectors + PerBlock - 1) / PerBlock, 1, 1), Threads, (ulong)context.Input(0), (ulong)context.Input(1), (ulong)result, (ulong)vectors);
    }

    /// <inheritdoc/>
    public override void Dispose() => _function.Dispose();
}
