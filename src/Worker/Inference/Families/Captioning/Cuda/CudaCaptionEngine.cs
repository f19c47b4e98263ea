using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A captioner on a GPU.</summary>
internal sealed class CudaCaptionEngine : ICaptionEngine
{
    private readonly CaptionLanes<PreparedPixels> _lanes;

    private CudaCaptionEngine(CaptionLanes<PreparedPixels> lanes, int vocabulary) => (_lanes, Vocabulary) = (lanes, vocabulary);

    /// <inheritdoc/>
    public int Vocabulary { get; }

    /// <summary>Images of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch => _lanes.MaxBatch;

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.Sizes;

    /// <summary>Loads the graphs and prepares every batch size; see <see cref="CaptionLanes{TInput}.Load"/>.</summary>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CudaCaptionEngine Load(CaptionGraphs graphs, CudaSettings settings, int beams, int steps) => new(
        CaptionLanes<PreparedPixels>.Load(
            graphs, settings, (stream, shapes, fitting) => new ImageStage(graphs.Encoder, graphs.Images, stream, shapes, fitting), beams, steps),
        graphs.Vocabulary);

    /// <summary>Milliseconds that the encoder takes on a batch, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps) => _lanes.Stages(size, steps);

    /// <summary>Runs the encoder and one step by themselves, kernel by kernel, for a profiler.</summary>
    public void Once(int size, int beams, int step) => _lanes.Once(size, beams, step);

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        // The lanes could not have been made for images of another size.
    }

    /// <inheritdoc/>
    public void Run(
        ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation) =>
        _lanes.Run(images.ToArray(), rows.ToArray(), cancellation).CopyTo(results);

    /// <inheritdoc/>
    public void Dispose() => _lanes.Dispose();
}
