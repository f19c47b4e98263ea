using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// Attention to states that are keys and values at once: queries [images, rows, heads * D], states [images, positions, D]. A query of each head; the
/// result has the queries' shape. The second output is memory that blocks of a run share.
/// </summary>
internal sealed class LatentAttention : FusedKernel
{
    private const int QueriesPerBlock = 16;
    private const int FewWarps = 4;
    private const int ManyWarps = 8;
    private const int WidthOfFewWarps = 768;
    private const int Processors = 16;

    // More than one block of a processor, so that copies of one hide behind products of the other; and no more shares than it takes time to add up.
    private const int BlocksPerProcessor = 2;
    private const int MostShares = 8;

    // In the kernel's exponent the base is 2.
    private const float BaseTwo = 1.44269504f;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.LatentAttention, [TensorType.Float16, TensorType.Float16], [TensorType.Float16, TensorType.Float],
        static attributes => new LatentAttention(attributes));

    private readonly DeviceFunction _function;
    private readonly DeviceBuffer _arrived;
    private readonly int _width;
    private readonly int _heads;
    private readonly int _warps;
    private readonly int _tile;
    private readonly int _blocks;
    private readonly float _scale;

    private LatentAttention(NodeAttributes attributes)
    {
        (_width, _heads, _scale) = (attributes.Integer(FusedNames.Columns), attributes.Integer(FusedNames.Heads), attributes.Float(FusedNames.Scale) * BaseTwo);
        _warps = _width <= WidthOfFewWarps ? FewWarps : ManyWarps;
        _tile = SharedBytes(32) <= DeviceFunction.MostSharedBytes() ? 32 : 16;
        _blocks = DeviceFunction.Property(Processors) * BlocksPerProcessor;
        _function = new DeviceFunction(
            "latent_attention", SharedBytes(_tile),
            ("WIDTH", DeviceFunction.Text(_width)), ("WARPS", DeviceFunction.Text(_warps)), ("TILE", DeviceFunction.Text(_tile)));
        _arrived = DeviceBuffer.Zeroed(_blocks * sizeof(int));
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var (queries, states) = (context.Shape(0), context.Shape(1));
        var rows = queries[1] * _heads;
        var groups = (rows + QueriesPerBlock - 1) / QueriesPerBlock;
        var shares = Shares(groups * queries[0], (states[1] + _tile - 1) / _tile);
        var result = context.Output(0, queries);
        var workspace = context.Output(1, [shares > 1 ? groups * queries[0] * shares * QueriesPerBlock * (_width + 2) : 1]);
        _function.Launch(
            context.Stream, (groups, queries[0], shares), _warps * 32,
            (ulong)context.Input(0), (ulong)context.Input(1), (ulong)result, (ulong)workspace, (ulong)_arrived.Pointer, (ulong)rows, (ulong)states[1],
            DeviceFunction.Argument(_scale));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _arrived.Dispose();
        _function.Dispose();
    }

    // How many blocks share an image's positions, none of them without any.
    private long Shares(long blocks, long tiles)
    {
        var each = (tiles + Math.Clamp(_blocks / blocks, 1, MostShares) - 1) / Math.Clamp(_blocks / blocks, 1, MostShares);
        return (tiles + each - 1) / each;
    }

    // Two tiles of states; scores of each warp; weights in rows of 16 bytes more; a factor a query.
    private int SharedBytes(int tile) =>
        (2 * tile * _width * 2) + (_warps * QueriesPerBlock * tile * sizeof(float)) + (QueriesPerBlock * ((tile / 8) + 1) * 16) + (QueriesPerBlock * sizeof(float));
}
