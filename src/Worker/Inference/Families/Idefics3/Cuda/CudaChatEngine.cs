using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A chat model on a GPU: a few lanes, each with a batch under way.</summary>
internal sealed class CudaChatEngine : IChatEngine
{
    private readonly DeviceLanes<ChatLane> _lanes;

    private CudaChatEngine(DeviceLanes<ChatLane> lanes, int vocabulary) => (_lanes, Vocabulary) = (lanes, vocabulary);

    /// <inheritdoc/>
    public bool TakesMore => true;

    /// <summary>When rows leave and join the batches that begin from now on.</summary>
    public JoinPolicy Policy { get; set; } = JoinPolicy.Default;

    /// <inheritdoc/>
    public int TokensPerFrame => _lanes.First.Shapes.TokensPerFrame;

    /// <inheritdoc/>
    public int Vocabulary { get; }

    /// <inheritdoc cref="DeviceLanes{T}.MaxBatch"/>
    public int MaxBatch => _lanes.MaxBatch;

    /// <summary>The sizes that batches are padded to, and what a step of each takes.</summary>
    public BatchSizes Sizes => _lanes.First.Sizes;

    /// <summary>Loads the graphs and prepares every batch size. If the largest does not fit into the GPU's memory, half of it is tried.</summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="steps">Tokens that a request has by default.</param>
    /// <exception cref="OutOfDeviceMemoryException">Not even a single row fits.</exception>
    public static CudaChatEngine Load(ChatGraphs graphs, CudaSettings settings, int steps) =>
        new(DeviceLanes<ChatLane>.Load(settings, fitting => new ChatLane(graphs, fitting), lane => lane.Prepare(steps)), graphs.Vocabulary);

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, CancellationToken cancellation) => Run(rows, results, null, cancellation);

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, Func<int, IReadOnlyList<ChatRow>>? more, CancellationToken cancellation)
    {
        var found = new RowResult[rows.Length];
        var wanted = rows.ToArray();
        _lanes.Run(wanted.Length, "rows", lane => lane.Run(wanted, found, Policy, more, cancellation));
        found.CopyTo(results);
    }

    /// <inheritdoc/>
    public void Dispose() => _lanes.Dispose();
}
