using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A chat model on a GPU: a few lanes, each with a batch under way.</summary>
internal sealed class CudaChatEngine : IChatEngine
{
    private readonly CudaContext _context;
    private readonly LanePool<ChatLane> _lanes;

    private CudaChatEngine(CudaContext context, LanePool<ChatLane> lanes, int vocabulary, int maxBatch) =>
        (_context, _lanes, Vocabulary, MaxBatch) = (context, lanes, vocabulary, maxBatch);

    /// <inheritdoc/>
    public int TokensPerFrame => _lanes.First.Shapes.TokensPerFrame;

    /// <inheritdoc/>
    public int Vocabulary { get; }

    /// <summary>Rows of a batch at most: what was asked for, or what fits.</summary>
    public int MaxBatch { get; }

    /// <summary>The sizes that batches are padded to, and what a step of each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="steps">Tokens that a request has by default.</param>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single row fits.</exception>
    public static CudaChatEngine Load(ChatGraphs graphs, CudaSettings settings, int steps)
    {
        var context = new CudaContext(settings.Device);
        try
        {
            var (lanes, maxBatch) = LanePool<ChatLane>.Fit(settings, fitting =>
            {
                var lane = new ChatLane(graphs, fitting);
                try
                {
                    lane.Prepare(steps);
                    return lane;
                }
                catch
                {
                    lane.Dispose();
                    throw;
                }
            });
            return new CudaChatEngine(context, lanes, graphs.Vocabulary, maxBatch);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        if (rows.Length > MaxBatch)
            throw new OutOfDeviceMemoryException($"a batch of {rows.Length} rows, and {MaxBatch} fit into the GPU's memory");
        var found = new RowResult[rows.Length];
        var wanted = rows.ToArray();
        _context.Enter();
        _lanes.Run(lane => lane.Run(wanted, found, cancellation));
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
