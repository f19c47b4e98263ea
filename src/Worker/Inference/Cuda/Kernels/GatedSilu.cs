using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>silu(x) * z of rows [..., 2 C] that hold x and z side by side. C is a multiple of 8.</summary>
internal sealed class GatedSilu(NodeAttributes attributes) : FusedKernel
{
    private const int Threads = 256;
    private const int VectorsPerBlock = Threads * 2;
    private const int Vector = 8;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(FusedNames.GatedSilu, [TensorType.Float16], [TensorType.Float16], static attributes => new GatedSilu(attributes));

    private readonly int _columns = attributes.Integer(FusedNames.Columns);
    private readonly DeviceFunction _function = new("gated_silu", 0, ("COLUMNS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))));

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        long[] shape = [.. context.Shape(0)[..^1], _columns];
        var vectors = DeviceFunction.Count(shape) / Vector;
        var result = context.Output(0, shape);
        if (vectors > 0)
            _function.Launch(context.Stream, ((vectors + VectorsPerBlock - 1) / VectorsPerBlock, 1, 1), Threads, (ulong)context.Input(0), (ulong)result, (ulong)vectors);
    }

    /// <inheritdoc/>
    public override void Dispose() => _function.Dispose();
}
