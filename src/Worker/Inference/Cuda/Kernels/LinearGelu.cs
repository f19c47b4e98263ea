using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// gelu(x * weight + bias): x [..., K], weight [K, C], bias [C]. One kernel on Hopper GPUs; on others, and where there are few rows, the provider's
/// product, and a kernel for the rest.
/// </summary>
internal sealed class LinearGelu : FusedKernel
{
    private const int Threads = 256;
    private const int VectorsPerThread = 4;
    private const int Vector = 8;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.LinearGelu, [TensorType.Float16, TensorType.Float16, TensorType.Float16], [TensorType.Float16], static attributes => new LinearGelu(attributes));

    private readonly nint _product;
    private readonly DeviceFunction _gelu;
    private readonly HopperProduct? _whole;

    private LinearGelu(NodeAttributes attributes)
    {
        var tanh = attributes.Integer(FusedNames.Tanh) != 0;
        _product = attributes.Product();
        try
        {
            _gelu = new DeviceFunction(
                "bias_gelu", 0, ("COLUMNS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))), ("TANH", DeviceFunction.Text(tanh ? 1 : 0)));
            _whole = HopperProduct.Make(tanh ? ProductEpilogue.GeluTanh : ProductEpilogue.Gelu);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var (from, weight) = (context.Shape(0), context.Shape(1));
        long[] shape = [.. from[..^1], weight[1]];
        var count = DeviceFunction.Count(shape);
        var result = context.Output(0, shape);
        if (count == 0)
            return;
        var rows = count / weight[1];
        if (_whole?.Pays(rows, weight[1]) == true)
        {
            _whole.Launch(context.Stream, new HopperMatrix(context.Input(0), rows, weight[0]), new HopperMatrix(context.Input(1), weight[0], weight[1]), context.Input(2), result);
            return;
        }

        const int PerBlock = Threads * VectorsPerThread;
        context.Invoke(_product, 2, shape);
        _gelu.Launch(context.Stream, (((count / Vector) + PerBlock - 1) / PerBlock, 1, 1), Threads, (ulong)result, (ulong)context.Input(2), (ulong)(count / Vector));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        OrtFunctions.ReleaseOperation(_product);
        _gelu?.Dispose();
        _whole?.Dispose();
    }
}
