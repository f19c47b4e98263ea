namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>A matrix of 16-bit floats on the GPU, row by row. Columns are a multiple of 8.</summary>
/// <param name="Values">Where it lies.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
internal readonly record struct HopperMatrix(nint Values, long Rows, long Columns);

/// <summary>product.cu: a product and what follows it, with the tensor engine and warp groups that Hopper GPUs alone have.</summary>
/// <remarks>bench/peers/kernels/products.py compares its tiles with each other and with cuBLAS: what is chosen here is from there.</remarks>
internal sealed class HopperProduct : IDisposable
{
    private const int Generation = 9;

    // From this depth on tall tiles are faster by these hundredths, unless that leaves more processors idle at the end.
    private const int DepthOfTall = 512;
    private const int TallPercent = 96;

    private readonly ProductTiles _square;
    private readonly ProductTiles? _tall;
    private readonly int _processors = DeviceFunction.Processors();

    private HopperProduct(int depth, int activation, bool added)
    {
        _square = new ProductTiles(128, 2, activation, added);
        try
        {
            _tall = depth >= DepthOfTall ? new ProductTiles(192, 1, activation, added) : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Compiles it; null where the thread's GPU is not a Hopper.</summary>
    /// <param name="depth">Columns of the left matrix, rows of the right one.</param>
    /// <param name="activation">By its number in activation.cuh.</param>
    /// <param name="added">Whether something is added.</param>
    public static HopperProduct? Make(int depth, int activation, bool added) =>
        DeviceFunction.Generation() == Generation ? new HopperProduct(depth, activation, added) : null;

    /// <summary>Whether a result has more tiles than there are processors: where it has fewer, the provider's smaller tiles are faster.</summary>
    public bool Pays(long rows, long columns) => _square.Clusters(rows, columns) * ProductTiles.Cluster * 4 >= _processors * 5;

    /// <summary>Queues it.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="left">[rows, depth].</param>
    /// <param name="right">[depth, columns].</param>
    /// <param name="bias">[columns] of 32-bit floats.</param>
    /// <param name="added">[rows, columns] of 16-bit floats, where something is added.</param>
    /// <param name="result">[rows, columns] of 16-bit floats.</param>
    public void Launch(nint stream, HopperMatrix left, HopperMatrix right, nint bias, nint added, nint result)
    {
        var tiles = _tall is not null && Time(_tall, left.Rows, right.Columns) * TallPercent <= Time(_square, left.Rows, right.Columns) * 100 ? _tall : _square;
        tiles.Launch(stream, _processors / ProductTiles.Cluster, left, right, bias, added, result);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _square.Dispose();
        _tall?.Dispose();
    }

    // In rows that the busiest processor takes.
    private long Time(ProductTiles tiles, long rows, long columns)
    {
        var atOnce = _processors / ProductTiles.Cluster;
        return (tiles.Clusters(rows, columns) + atOnce - 1) / atOnce * tiles.Rows;
    }
}
