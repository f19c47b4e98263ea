using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// Attention to states that are keys and values at once: queries [images, rows, heads * D], states [images, positions, D]. A query of each head; the
/// result has the queries' shape. The second output is what blocks that share an image's positions found.
/// </summary>
internal sealed class LatentAttention : FusedKernel
{
    private const int QueriesPerBlock = 16;
    private const int FewWarps = 4;
    private const int ManyWarps = 8;
    private const int WidthOfFewWarps = 768;

    // Where there is less work than processors, blocks share an image's positions. Two of them hide each other's waits.
    private const int BlocksPerProcessor = 2;
    private const int MostShares = 8;
    private const int SumThreads = 128;

    // The kernel for few queries: a block takes one, of which there are a third of the processors at most.
    private const int WidthOfRows = 256;
    private const int RowThreads = 256;
    private const int FewRows = 3;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.LatentAttention, [TensorType.Float16, TensorType.Float16], [TensorType.Float16, TensorType.Float],
        static attributes => new LatentAttention(attributes));

    private readonly List<DeviceFunction> _functions = [];
    private readonly DeviceFunction _alone;
    private readonly DeviceFunction _sharing;
    private readonly DeviceFunction _sum;
    private readonly DeviceFunction? _row;
    private readonly DeviceFunction? _rowSum;
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
        _processors = DeviceFunction.Processors();
        var reversed = DeviceFunction.Text(attributes.Integer(FusedNames.Reversed));
        DeviceFunction Tiles(string shared) => Make(
            "latent_attention", SharedBytes(_tile), ("WARPS", DeviceFunction.Text(_warps)), ("TILE", DeviceFunction.Text(_tile)), ("SHARED_POSITIONS", shared),
            ("REVERSED", reversed));
        DeviceFunction Sum(int queries) => Make("latent_sum", 0, ("QUERIES", DeviceFunction.Text(queries)), ("MOST_SHARES", DeviceFunction.Text(MostShares)));
        try
        {
            (_alone, _sharing, _sum) = (Tiles("0"), Tiles("1"), Sum(QueriesPerBlock));
            if (_width % WidthOfRows == 0)
                (_row, _rowSum) = (Make("latent_row", 0), Sum(1));
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
        var (queries, positions) = (context.Shape(0), context.Shape(1)[1]);
        var (images, rows) = (queries[0], queries[1] * _heads);
        if (_row is not null && rows * images * FewRows <= _processors)
        {
            var few = Math.Clamp(BlocksPerProcessor * _processors / Math.Max(1, rows * images), 1, MostShares);
            Launch(context, queries, _row, RowThreads, (rows, images, few), 1, _rowSum!);
            return;
        }

        var groups = (rows + QueriesPerBlock - 1) / QueriesPerBlock;
        var shares = Shares(groups * images, (positions + _tile - 1) / _tile);
        Launch(context, queries, shares > 1 ? _sharing : _alone, _warps * 32, (groups, images, shares), QueriesPerBlock, _sum);
    }

    /// <inheritdoc/>
    public override void Dispose() => _functions.ForEach(function => function.Dispose());

    private void Launch(
        RunContext context, long[] queries, DeviceFunction function, int threads, (long Groups, long Images, long Shares) grid, int perBlock, DeviceFunction sum)
    {
        var (rows, positions) = ((ulong)(queries[1] * _heads), (ulong)context.Shape(1)[1]);
        var result = (ulong)context.Output(0, queries);
        var found = (ulong)context.Output(1, [grid.Shares > 1 ? grid.Groups * grid.Images * grid.Shares * perBlock * (_width + 2) : 1]);
        function.Launch(
            context.Stream, grid, threads, (ulong)context.Input(0), (ulong)context.Input(1), result, found, rows, positions, DeviceFunction.Argument(_scale));
        if (grid.Shares > 1)
            sum.Launch(context.Stream, ((long)rows, grid.Images, 1), SumThreads, found, result, rows, (ulong)grid.Shares);
    }

    private DeviceFunction Make(string name, int sharedBytes, params ReadOnlySpan<(string, string)> definitions)
    {
        var function = new DeviceFunction(name, sharedBytes, [("WIDTH", DeviceFunction.Text(_width)), .. definitions]);
        _functions.Add(function);
        return function;
    }

    // How many blocks share an image's positions, none of them without any.
    private long Shares(long blocks, long tiles)
    {
        var wanted = Math.Clamp(BlocksPerProcessor * _processors / Math.Max(1, blocks), 1, MostShares);
        var each = (tiles + wanted - 1) / wanted;
        return (tiles + each - 1) / each;
    }

    // Two tiles of states; scores of each warp; weights in rows of 16 bytes more; a factor a query.
    private int SharedBytes(int tile) =>
        (2 * tile * _width * 2) + (_warps * QueriesPerBlock * tile * sizeof(float)) + (QueriesPerBlock * ((tile / 8) + 1) * 16) + (QueriesPerBlock * sizeof(float));
}
