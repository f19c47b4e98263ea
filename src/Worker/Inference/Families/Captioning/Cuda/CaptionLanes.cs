using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A captioner's lanes on a GPU, each with a batch under way. Called from several threads at a time.</summary>
/// <typeparam name="TInput">What an image's row brings.</typeparam>
internal sealed class CaptionLanes<TInput> : IDisposable
{
    private readonly CudaContext _context;
    private readonly LanePool<CaptionLane<TInput>> _lanes;

    private CaptionLanes(CudaContext context, LanePool<CaptionLane<TInput>> lanes, int maxBatch) =>
        (_context, _lanes, MaxBatch, Positions) = (context, lanes, maxBatch, lanes.First.Positions);

    /// <summary>Images of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch { get; }

    /// <summary>Positions of the encoder's states, of the batches that were prepared.</summary>
    public int Positions { get; }

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="encoder">Makes a lane's encoder.</param>
    /// <param name="beams">Beams that a request has by default.</param>
    /// <param name="steps">Steps that a request has by default.</param>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single image fits.</exception>
    public static CaptionLanes<TInput> Load(CaptionGraphs graphs, CudaSettings settings, MakeStage<TInput> encoder, int beams, int steps)
    {
        if (graphs.Tokens.Prompt.Count != 1)
            throw new InvalidDataException("a captioner on a GPU starts with one token, which rows' prompts begin with");
        var context = new CudaContext(settings.Device);
        try
        {
            var turn = settings.TakeTurns ? new DeviceTurn() : null;
            var (lanes, maxBatch) = LanePool<CaptionLane<TInput>>.Fit(settings, fitting =>
            {
                var lane = new CaptionLane<TInput>(graphs, fitting, encoder, turn);
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
            return new CaptionLanes<TInput>(context, lanes, maxBatch);
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

    /// <summary>Runs a batch; all rows have the same number of beams.</summary>
    /// <returns>Each row's sequences, or its failure.</returns>
    public RowResult[] Run(TInput[] inputs, RowRequest[] rows, CancellationToken cancellation)
    {
        if (inputs.Length > MaxBatch)
            throw new OutOfDeviceMemoryException($"a batch of {inputs.Length} images, and {MaxBatch} fit into the GPU's memory");
        var results = new RowResult[inputs.Length];
        _context.Enter();
        _lanes.Run(lane => lane.Run(inputs, rows, results, cancellation));
        return results;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Enter();
        _lanes.Dispose();
        _context.Dispose();
    }
}
