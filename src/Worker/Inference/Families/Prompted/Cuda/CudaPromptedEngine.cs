using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>An encoder of image and prompt and its decoder on a GPU.</summary>
internal sealed class CudaPromptedEngine : PromptedEngine
{
    private readonly CaptionLanes<PromptedRow> _lanes;

    private CudaPromptedEngine(CaptionLanes<PromptedRow> lanes, PromptedGraphs graphs) =>
        (_lanes, Vocabulary, ImagePositions) = (lanes, graphs.Captioner.Vocabulary, lanes.Positions - graphs.PromptLength);

    /// <inheritdoc/>
    public override int Vocabulary { get; }

    /// <inheritdoc/>
    public override int ImagePositions { get; }

    /// <summary>Images of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch => _lanes.MaxBatch;

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.Sizes;

    /// <summary>Loads the graphs and prepares every batch size; see <see cref="CaptionLanes{TInput}.Load"/>.</summary>
    /// <exception cref="Failures.OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CudaPromptedEngine Load(PromptedGraphs graphs, CudaSettings settings, int beams, int steps) => new(
        CaptionLanes<PromptedRow>.Load(
            graphs.Captioner, settings, (stream, shapes, fitting) => new PromptedStage(graphs, stream, shapes, fitting), beams, steps),
        graphs);

    /// <summary>Milliseconds that tower and encoder take on a batch, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps) => _lanes.Stages(size, steps);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<PromptedRow> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        var asked = rows.ToArray();
        _lanes.Run(asked, [.. asked.Select(static row => row.Request)], cancellation).CopyTo(results);
    }

    /// <inheritdoc/>
    public override void Dispose() => _lanes.Dispose();
}
