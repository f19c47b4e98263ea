using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A captioner on a GPU: a few lanes, each with a batch under way.</summary>
internal sealed class CudaCaptionEngine : ICaptionEngine
{
    private readonly CudaContext _context;
    private readonly LanePool<CaptionLane> _lanes;

    private CudaCaptionEngine(CudaContext context, LanePool<CaptionLane> lanes, int vocabulary, int maxBatch) =>
        (_context, _lanes, Vocabulary, MaxBatch) = (context, lanes, vocabulary, maxBatch);

    /// <inheritdoc/>
    public int Vocabulary { get; }

    /// <summary>Images of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch { get; }

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="beams">Beams that a request has by default.</param>
    /// <param name="steps">Steps that a request has by default.</param>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CudaCaptionEngine Load(CaptionGraphs graphs, CudaSettings settings, int beams, int steps)
    {
        if (graphs.Tokens.Prompt.Count != 1)
            throw new InvalidDataException("a captioner on a GPU starts with one token, which rows' prompts begin with");
        var context = new CudaContext(settings.Device);
        try
        {
            var turn = settings.TakeTurns ? new DeviceTurn() : null;
            var (lanes, maxBatch) = LanePool<CaptionLane>.Fit(settings, fitting =>
            {
                var lane = new CaptionLane(graphs, fitting, turn);
                try
                {
                    lane.Prepare(beams, steps);
                    return lane;
                }
                catch
                {
                    lane.Dispose();
                    throw;
                }
            });
            return new CudaCaptionEngine(context, lanes, graphs.Vocabulary, maxBatch);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>Milliseconds that the encoder takes on a batch, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps)
    {
        _context.Enter();
        (double, double) stages = default;
        _lanes.Run(lane => stages = lane.Stages(size, steps));
        return stages;
    }

    /// <summary>Runs the encoder and one step by themselves, kernel by kernel, for a profiler.</summary>
    public void Once(int size, int beams, int step)
    {
        _context.Enter();
        _lanes.Run(lane => lane.Once(size, beams, step));
    }

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        // The lanes could not have been made for images of another size.
    }

    /// <inheritdoc/>
    public void Run(
        ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        if (images.Length > MaxBatch)
            throw new OutOfDeviceMemoryException($"a batch of {images.Length} images, and {MaxBatch} fit into the GPU's memory");
        var found = new RowResult[images.Length];
        var (prepared, wanted) = (images.ToArray(), rows.ToArray());
        _context.Enter();
        _lanes.Run(lane => lane.Run(prepared, wanted, found, cancellation));
        found.CopyTo(results);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Enter();
        _lanes.Dispose();
        _context.Dispose();
    }
}
