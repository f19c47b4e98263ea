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

    // Blocks that share an image's positions where there are processors without work: adding up what more of them found takes longer than it saves.
    private const int MostShares = 4;

    // The kernel for few queries: a block takes one, of which there are a third of the processors at most.
    private const int WidthOfRows = 256;
    private const int RowThreads = 256;
    private const int FewRows = 3;
    private const int MostRowShares = 16;

    // In the kernel's exponent the base is 2.
    private const float BaseTwo = 1.44269504f;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.LatentAttention, [TensorType.Float16, TensorType.Float16], [TensorType.Float16, TensorType.Float],
        static attributes => new LatentAttention(attributes));

    private readonly DeviceFunction _alone;
    private readonly DeviceFunction _sharing;
    private readonly DeviceFunction? _rows;
    private readonly DeviceBuffer _arrived;
    private readonly int _width;
    private readonly int _heads;
    private readonly int _warps;
    private readonly int _tile;
    private readonly int _processors;
    private readonly float _scale;

    private LatentAttention(NodeAttributes attributes)
    {
        (_width, _heads, _scale) = (attributes.Integer(FusedNames.Columns), attributes.Integer(FusedNames.Heads), attributes.Float(FusedNames.Scale) * BaseTwo);
        _warps = _width <= WidthOfFewWarps ? FewWarps : ManyWarps;
        _tile = SharedBytes(32) <= DeviceFunction.MostSharedBytes() ? 32 : 16;
        _processors = DeviceFunction.Property(Processors);
        DeviceFunction Make(bool sharing) => new(
            "latent_attention", SharedBytes(_tile),
            ("WIDTH", DeviceFunction.Text(_width)), ("WARPS", DeviceFunction.Text(_warps)), ("TILE", DeviceFunction.Text(_tile)),
            ("SHARED_POSITIONS", sharing ? "1" : "0"), ("MOST_SHARES", DeviceFunction.Text(MostShares)),
            ("REVERSED", DeviceFunction.Text(attributes.Integer(FusedNames.Reversed))));
        (_alone, _sharing) = (Make(false), Make(true));
        _rows = _width % WidthOfRows == 0 ? new DeviceFunction("latent_row", 0, ("WIDTH", DeviceFunction.Text(_width))) : null;
        _arrived = DeviceBuffer.Zeroed(_processors * sizeof(int));
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var (queries, states) = (context.Shape(0), context.Shape(1));
        var rows = queries[1] * _heads;
        if (_rows is not null && rows * queries[0] * FewRows <= _processors)
        {
            Launch(context, _rows, RowThreads, (rows, queries[0], Math.Clamp(2 * _processors / Math.Max(1, rows * queries[0]), 1, MostRowShares)), 1);
            return;
        }

        var groups = (rows + QueriesPerBlock - 1) / QueriesPerBlock;
        var shares = Shares(groups * queries[0], (states[1] + _tile - 1) / _tile);
        Launch(context, shares > 1 ? _sharing : _alone, _warps * 32, (groups, queries[0], shares), QueriesPerBlock);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _arrived.Dispose();
        _alone.Dispose();
        _sharing.Dispose();
        _rows?.Dispose();
    }

    private void Launch(RunContext context, DeviceFunction function, int threads, (long Groups, long Images, long Shares) grid, int queriesPerBlock)
    {
        var (queries, states) = (context.Shape(0), context.Shape(1));
        var result = context.Output(0, queries);
        var workspace = context.Output(1, [grid.Shares > 1 ? grid.Groups * grid.Images * grid.Shares * queriesPerBlock * (_width + 2) : 1]);
        function.Launch(
            context.Stream, grid, threads, (ulong)context.Input(0), (ulong)context.Input(1), (ulong)result, (ulong)workspace, (ulong)_arrived.Pointer,
            (ulong)(queries[1] * _heads), (ulong)states[1], DeviceFunction.Argument(_scale));
    }

    // How many blocks share an image's positions, none of them without any.
    private long Shares(long blocks, long tiles)
    {
        var wanted = Math.Clamp(_processors / Math.Max(1, blocks), 1, MostShares);
        var each = (tiles + wanted - 1) / wanted;
        return (tiles + each - 1) / each;
    }

    // Two tiles of states; scores of each warp; weights in rows of 16 bytes more; a factor a query.
    private int SharedBytes(int tile) =>
        (2 * tile * _width * 2) + (_warps * QueriesPerBlock * tile * sizeof(float)) + (QueriesPerBlock * ((tile / 8) + 1) * 16) + (QueriesPerBlock * sizeof(float));
}
