using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// A linear layer and what follows it: an activation, a sum, or a sum and its norm (<see cref="FusedNames.Linear"/>, <see cref="FusedNames.SumLinear"/>,
/// <see cref="FusedNames.NormLinear"/>). One kernel up to the norm on Hopper GPUs; on others, and where there are few rows, the provider's product, and a
/// kernel for the rest.
/// </summary>
internal sealed class LinearLayer : FusedKernel
{
    private const int TailThreads = 256;
    private const int Vector = 8;
    private const int ValuesPerBlock = TailThreads * 4 * Vector;

    // Inputs of a node.
    private const int Bias = 2;
    private const int Added = 3;
    private const int Gamma = 4;
    private const int Beta = 5;

    /// <summary>With an activation.</summary>
    public static readonly FusedOperator Activated = Describe(FusedNames.Linear, Kind.Activated, [], [TensorType.Float16]);

    /// <summary>With a sum.</summary>
    public static readonly FusedOperator OfSum = Describe(FusedNames.SumLinear, Kind.Sum, [TensorType.Float16], [TensorType.Float16]);

    /// <summary>With a sum and its norm.</summary>
    public static readonly FusedOperator OfNorm = Describe(
        FusedNames.NormLinear, Kind.Norm, [TensorType.Float16, TensorType.Float, TensorType.Float], [TensorType.Float16, TensorType.Float16]);

    private readonly Kind _kind;
    private readonly nint _product;
    private readonly HopperProduct? _whole;
    private readonly DeviceFunction? _tail;
    private readonly RowNormFunction? _norm;
    private readonly RowNormFunction? _sumAndNorm;

    private LinearLayer(NodeAttributes attributes, Kind kind)
    {
        _kind = kind;
        _product = attributes.Product();
        var activation = kind == Kind.Activated ? attributes.Integer(FusedNames.Activation) : 0;
        try
        {
            _whole = HopperProduct.Make(attributes.Integer(FusedNames.Depth), activation, kind != Kind.Activated);
            if (kind == Kind.Norm)
                (_norm, _sumAndNorm) = (new RowNormFunction(attributes, RowNormTerms.Rows), new RowNormFunction(attributes, RowNormTerms.WrittenSum));
            else if (kind == Kind.Sum || activation != 0 || attributes.Integer(FusedNames.Biased) != 0)
                _tail = Tail(attributes, activation, kind == Kind.Sum);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private enum Kind
    {
        Activated,
        Sum,
        Norm,
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var (from, weight) = (context.Shape(0), context.Shape(1));
        long[] shape = [.. from[..^1], weight[1]];
        var count = DeviceFunction.Count(shape);
        var result = context.Output(0, shape);
        var sum = _kind == Kind.Norm ? context.Output(1, shape) : result;
        if (count == 0)
            return;
        var added = _kind == Kind.Activated ? 0 : context.Input(Added);
        var (gamma, beta) = _kind == Kind.Norm ? (context.Input(Gamma), context.Input(Beta)) : (0, 0);
        var rows = count / weight[1];
        if (_whole?.Pays(rows, weight[1]) == true)
        {
            _whole.Launch(
                context.Stream, new HopperMatrix(context.Input(0), rows, weight[0]), new HopperMatrix(context.Input(1), weight[0], weight[1]), context.Input(Bias), added, sum);
            _norm?.Launch(context.Stream, count, sum, 0, 0, (gamma, beta), 0, result);
            return;
        }

        context.Invoke(_product, 2, shape);
        _sumAndNorm?.Launch(context.Stream, count, result, added, context.Input(Bias), (gamma, beta), sum, result);
        _tail?.Launch(
            context.Stream, ((count + ValuesPerBlock - 1) / ValuesPerBlock, 1, 1), TailThreads, (ulong)result, (ulong)context.Input(Bias), (ulong)added,
            (ulong)(count / Vector));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        OrtFunctions.ReleaseOperation(_product);
        _whole?.Dispose();
        _tail?.Dispose();
        _norm?.Dispose();
        _sumAndNorm?.Dispose();
    }

    private static DeviceFunction Tail(NodeAttributes attributes, int activation, bool added) => new(
        "linear_tail", 0, ("COLUMNS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))), ("ACTIVATION", DeviceFunction.Text(activation)),
        ("ADDED", added ? "1" : "0"));

    private static FusedOperator Describe(string name, Kind kind, TensorType[] more, TensorType[] outputs) => new(
        name, [TensorType.Float16, TensorType.Float16, TensorType.Float, .. more], outputs, attributes => new LinearLayer(attributes, kind));
}
