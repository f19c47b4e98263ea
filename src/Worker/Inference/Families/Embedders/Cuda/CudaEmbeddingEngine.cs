using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>An embedder on a GPU: a few lanes, each with a batch under way.</summary>
internal sealed class CudaEmbeddingEngine : IEmbeddingEngine
{
    private readonly DeviceLanes<EmbeddingLane> _lanes;

    private CudaEmbeddingEngine(DeviceLanes<EmbeddingLane> lanes) => _lanes = lanes;

    /// <inheritdoc cref="DeviceLanes{T}.MaxBatch"/>
    public int MaxBatch => _lanes.MaxBatch;

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CudaEmbeddingEngine Load(EmbeddingGraphs graphs, CudaSettings settings)
    {
        var turn = settings.TakeTurns ? new DeviceTurn() : null;
        return new CudaEmbeddingEngine(
            DeviceLanes<EmbeddingLane>.Load(settings, fitting => new EmbeddingLane(graphs, fitting, turn), static lane => lane.Prepare()));
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
        cancellation.ThrowIfCancellationRequested();
        var prepared = images.ToArray();
        _lanes.Run(prepared.Length, "images", lane => lane.EncodeImages(prepared, receive));
    }

    /// <inheritdoc/>
    public void EncodeTexts(ReadOnlySpan<int[]> texts, ReceiveEmbeddings receive)
    {
        var ids = texts.ToArray();
        _lanes.Run(lane => lane.EncodeTexts(ids, receive));
    }

    /// <inheritdoc/>
    public void Dispose() => _lanes.Dispose();
}
