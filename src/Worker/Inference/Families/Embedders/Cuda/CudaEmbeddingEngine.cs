using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>An embedder on a GPU: a few lanes, each with a batch under way.</summary>
internal sealed class CudaEmbeddingEngine : IEmbeddingEngine
{
    private readonly CudaContext _context;
    private readonly LanePool<EmbeddingLane> _lanes;

    private CudaEmbeddingEngine(CudaContext context, LanePool<EmbeddingLane> lanes, int maxBatch) => (_context, _lanes, MaxBatch) = (context, lanes, maxBatch);

    /// <summary>Images of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch { get; }

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CudaEmbeddingEngine Load(EmbeddingGraphs graphs, CudaSettings settings)
    {
        var context = new CudaContext(settings.Device);
        try
        {
            var turn = settings.TakeTurns ? new DeviceTurn() : null;
            var (lanes, maxBatch) = LanePool<EmbeddingLane>.Fit(settings, fitting =>
            {
                var lane = new EmbeddingLane(graphs, fitting, turn);
                try
                {
                    lane.Prepare();
                    return lane;
                }
                catch
                {
                    lane.Dispose();
                    throw;
                }
            });
            return new CudaEmbeddingEngine(context, lanes, maxBatch);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        if (_lanes.First.TextSize is { } size && size != _lanes.First.Size)
            throw new InvalidDataException($"the image tower gives {_lanes.First.Size} floats an image, the text tower {size} floats a text");
    }

    /// <inheritdoc/>
    public void EncodeImages(ReadOnlySpan<PreparedPixels> images, ReceiveEmbeddings receive, CancellationToken cancellation)
    {
        if (images.Length > MaxBatch)
            throw new OutOfDeviceMemoryException($"a batch of {images.Length} images, and {MaxBatch} fit into the GPU's memory");
        cancellation.ThrowIfCancellationRequested();
        var prepared = images.ToArray();
        _context.Enter();
        _lanes.Run(lane => lane.EncodeImages(prepared, receive));
    }

    /// <inheritdoc/>
    public void EncodeTexts(ReadOnlySpan<int[]> texts, ReceiveEmbeddings receive)
    {
        var ids = texts.ToArray();
        _context.Enter();
        _lanes.Run(lane => lane.EncodeTexts(ids, receive));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Enter();
        _lanes.Dispose();
        _context.Dispose();
    }
}
