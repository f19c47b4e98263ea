namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>What is done to sums and bias before they are written, by its number in product.cu.</summary>
internal enum ProductEpilogue
{
    /// <summary>Nothing.</summary>
    Bias = 0,

    /// <summary>GELU of erf.</summary>
    Gelu = 1,

    /// <summary>GELU of tanh.</summary>
    GeluTanh = 2,
}

/// <summary>A matrix of 16-bit floats on the GPU, row by row. Columns are a multiple of 8.</summary>
/// <param name="Values">Where it lies.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
internal readonly record struct HopperMatrix(nint Values, long Rows, long Columns);

/// <summary>product.cu: a product and what follows it, with the tensor engine and warp groups that Hopper GPUs alone have.</summary>
internal sealed unsafe class HopperProduct : IDisposable
{
    private const int Generation = 9;

    // How product.cu is compiled; bench/peers/kernels/products.py compares others. Two blocks of a cluster share what they read of the right matrix.
    private const int TileRows = 128;
    private const int TileColumns = 128;
    private const int Cluster = 2;
    private const int Slots = 2;
    private const int Groups = 2;
    private const int Threads = 384;

    // A stage of both matrices is 64 values deep, and a strip of results 64 values wide.
    private const int Strip = 64;
    private const int StageBytes = (TileRows + TileColumns) * Strip * 2;
    private const int ResultBytes = Groups * Slots * TileRows * Strip * 2;
    private const int Alignment = 1024;
    private const int Barrier = 8;
    private const int MapBytes = 128;
    private const int MapAlignment = 64;

    private readonly DeviceFunction _function;
    private readonly int _processors = DeviceFunction.Processors();

    private HopperProduct(ProductEpilogue epilogue)
    {
        var stages = (DeviceFunction.MostSharedBytes() - Alignment - ResultBytes - (Groups * Barrier)) / (StageBytes + (2 * Barrier));
        _function = new DeviceFunction(
            "product", Alignment + ResultBytes + (Groups * Barrier) + (stages * (StageBytes + (2 * Barrier))), ("ROWS", DeviceFunction.Text(TileRows)),
            ("COLUMNS", DeviceFunction.Text(TileColumns)), ("TOGETHER", "0"), ("SLOTS", DeviceFunction.Text(Slots)), ("CLUSTER", DeviceFunction.Text(Cluster)),
            ("STAGES", DeviceFunction.Text(stages)), ("EPILOGUE", DeviceFunction.Text((int)epilogue)), ("PATIENCE", "0"));
    }

    /// <summary>Compiles it; null where the thread's GPU is not a Hopper.</summary>
    public static HopperProduct? Make(ProductEpilogue epilogue) => DeviceFunction.Generation() == Generation ? new HopperProduct(epilogue) : null;

    /// <summary>Whether a result has tiles for half of the processors at least: where it has fewer, the provider's kernels are faster.</summary>
    public bool Pays(long rows, long columns) => Tiles(rows, columns) * Cluster * 2 >= _processors;

    /// <summary>Queues it.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="left">[rows, depth].</param>
    /// <param name="right">[depth, columns].</param>
    /// <param name="bias">[columns] of 16-bit floats.</param>
    /// <param name="result">[rows, columns] of 16-bit floats.</param>
    public void Launch(nint stream, HopperMatrix left, HopperMatrix right, nint bias, nint result)
    {
        var memory = stackalloc byte[(3 * MapBytes) + MapAlignment];
        var maps = (byte*)(((nint)memory + MapAlignment - 1) & -MapAlignment);
        Describe(maps, left, TileRows);
        Describe(maps + MapBytes, right, Strip / Cluster);
        Describe(maps + (2 * MapBytes), new HopperMatrix(result, left.Rows, right.Columns), TileRows);
        var (rows, columns, depth) = (checked((int)left.Rows), checked((int)right.Columns), checked((int)left.Columns));
        // What would be added is not read: any map will do.
        var arguments = stackalloc nint[]
        {
            (nint)maps, (nint)(maps + MapBytes), (nint)(maps + (2 * MapBytes)), (nint)(maps + (2 * MapBytes)), (nint)(&bias), (nint)(&rows), (nint)(&columns), (nint)(&depth),
        };
        var blocks = Math.Min(_processors / Cluster, Tiles(left.Rows, right.Columns)) * Cluster;
        _function.Launch(stream, (blocks, 1, 1), Threads, arguments);
    }

    /// <inheritdoc/>
    public void Dispose() => _function.Dispose();

    // Of a cluster: its blocks lie one above the other.
    private static long Tiles(long rows, long columns) =>
        (rows + (TileRows * Cluster) - 1) / (TileRows * Cluster) * ((columns + TileColumns - 1) / TileColumns);

    // A CUtensorMap (cuda.h) of boxes of 64 columns; places outside of the matrix are read as zeros.
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
