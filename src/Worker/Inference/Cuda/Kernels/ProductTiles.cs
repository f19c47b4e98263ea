namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>product.cu, compiled for tiles of some height.</summary>
internal sealed unsafe class ProductTiles : IDisposable
{
    /// <summary>Blocks that share what they read of the right matrix: their tiles lie one above the other.</summary>
    public const int Cluster = 2;

    private const int Columns = 128;
    private const int Groups = 2;
    private const int Threads = 384;

    // A stage of both matrices is 64 values deep, and a strip of results 64 values wide.
    private const int Strip = 64;
    private const int Alignment = 1024;
    private const int Barrier = 8;
    private const int MapBytes = 128;
    private const int MapAlignment = 64;

    private readonly DeviceFunction _function;

    /// <summary>Compiles it for the thread's GPU.</summary>
    /// <param name="rows">Of a tile.</param>
    /// <param name="slots">Strips of results that each group of warps has memory for.</param>
    /// <param name="activation">By its number in activation.cuh.</param>
    /// <param name="added">Whether something is added.</param>
    public ProductTiles(int rows, int slots, int activation, bool added)
    {
        Rows = rows;
        var stage = ((rows + Columns) * Strip * 2) + (2 * Barrier);
        var once = Alignment + (Groups * ((slots * rows * Strip * 2) + Barrier));
        var stages = (DeviceFunction.MostSharedBytes() - once) / stage;
        _function = new DeviceFunction(
            "product", once + (stages * stage), ("ROWS", DeviceFunction.Text(rows)), ("COLUMNS", DeviceFunction.Text(Columns)), ("TOGETHER", "0"),
            ("SLOTS", DeviceFunction.Text(slots)), ("CLUSTER", DeviceFunction.Text(Cluster)), ("STAGES", DeviceFunction.Text(stages)),
            ("ACTIVATION", DeviceFunction.Text(activation)), ("ADDED", added ? "1" : "0"), ("PATIENCE", "0"));
    }

    /// <summary>Of a tile.</summary>
    public int Rows { get; }

    /// <summary>How many clusters of tiles a result has.</summary>
    public long Clusters(long rows, long columns) => (rows + (Rows * Cluster) - 1) / (Rows * Cluster) * ((columns + Columns - 1) / Columns);

    /// <summary>Queues it.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="atOnce">Clusters that run at a time.</param>
    /// <param name="left">[rows, depth].</param>
    /// <param name="right">[depth, columns].</param>
    /// <param name="bias">[columns] of 32-bit floats.</param>
    /// <param name="added">[rows, columns], where something is added.</param>
    /// <param name="result">[rows, columns].</param>
    public void Launch(nint stream, int atOnce, HopperMatrix left, HopperMatrix right, nint bias, nint added, nint result)
    {
        var memory = stackalloc byte[(4 * MapBytes) + MapAlignment];
        var maps = (byte*)(((nint)memory + MapAlignment - 1) & -MapAlignment);
        var target = new HopperMatrix(result, left.Rows, right.Columns);
        Describe(maps, left, Rows);
        Describe(maps + MapBytes, right, Strip / Cluster);
        // Where nothing is added, any map will do.
        Describe(maps + (2 * MapBytes), added == 0 ? target : target with { Values = added }, Rows);
        Describe(maps + (3 * MapBytes), target, Rows);
        var (rows, columns, depth) = (checked((int)left.Rows), checked((int)right.Columns), checked((int)left.Columns));
        var arguments = stackalloc nint[]
        {
            (nint)maps, (nint)(maps + MapBytes), (nint)(maps + (2 * MapBytes)), (nint)(maps + (3 * MapBytes)), (nint)(&bias), (nint)(&rows), (nint)(&columns), (nint)(&depth),
        };
        _function.Launch(stream, (Math.Min(atOnce, Clusters(left.Rows, right.Columns)) * Cluster, 1, 1), Threads, arguments);
    }

    /// <inheritdoc/>
    public void Dispose() => _function.Dispose();

    // A CUtensorMap (cuda.h) of boxes of 64 columns; places outside of the matrix are read as zeros, and not written.
    private static void Describe(byte* map, HopperMatrix matrix, int height)
    {
        const int Half = 6;
        const int SwizzleOf128Bytes = 3;
        const int PromotionTo128Bytes = 2;
        var sizes = stackalloc ulong[] { (ulong)matrix.Columns, (ulong)matrix.Rows };
        var stride = (ulong)matrix.Columns * 2;
        var box = stackalloc uint[] { Strip, (uint)height };
        var steps = stackalloc uint[] { 1, 1 };
        CudaDriver.Check(
            CudaDriver.EncodeTiles(map, Half, 2, matrix.Values, sizes, &stride, box, steps, 0, SwizzleOf128Bytes, PromotionTo128Bytes, 0),
            $"describing a matrix of {matrix.Rows} x {matrix.Columns}");
    }
}
