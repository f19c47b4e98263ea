using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A captioner's lanes on a GPU, each with a batch under way. Called from several threads at a time.</summary>
/// <typeparam name="TInput">What an image's row brings.</typeparam>
internal sealed class CaptionLanes<TInput> : IDisposable
{
    private readonly DeviceLanes<CaptionLane<TInput>> _lanes;

    private CaptionLanes(DeviceLanes<CaptionLane<TInput>> lanes) => (_lanes, Positions) = (lanes, lanes.First.Positions);

    /// <inheritdoc cref="DeviceLanes{T}.MaxBatch"/>
    public int MaxBatch => _lanes.MaxBatch;

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
        var turn = settings.TakeTurns ? new DeviceTurn() : null;
        return new CaptionLanes<TInput>(DeviceLanes<CaptionLane<TInput>>.Load(
            settings, fitting => new CaptionLane<TInput>(graphs, fitting, encoder, turn), lane => lane.Prepare(beams, steps)));
    }

    /// <summary>Milliseconds that the encoder takes on a batch, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps)
    {
        (double, double) stages = default;
        _lanes.Run(lane => stages = lane.Stages(size, steps));
        return stages;
    }

    /// <summary>Runs the encoder and one step by themselves, kernel by kernel, for a profiler.</summary>
    public void Once(int size, int beams, int step) => _lanes.Run(lane => lane.Once(size, beams, step));

    /// <summary>Runs a batch; all rows have the same number of beams.</summary>
    /// <returns>Each row's sequences, or its failure.</returns>
    public RowResult[] Run(TInput[] inputs, RowRequest[] rows, CancellationToken cancellation)
    {
        var results = new RowResult[inputs.Length];
        _lanes.Run(inputs.Length, "images", lane => lane.Run(inputs, rows, results, cancellation));
        return results;
    }

    /// <inheritdoc/>
    public void Dispose() => _lanes.Dispose();
}
