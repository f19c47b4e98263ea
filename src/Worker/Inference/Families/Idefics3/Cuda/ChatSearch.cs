using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// Greedy search whose choices are made on the GPU. The host looks at a step's choices while the next step runs, and stops once every row has ended;
/// so one step may run in vain.
/// </summary>
/// <param name="tokens">The model's special tokens.</param>
internal sealed class ChatSearch(GenerationTokens tokens)
{
    private readonly ScoreProcessors _processors = new(tokens);

    /// <summary>Whether the GPU's choices are the ones asked for: nothing changes the scores before the choice.</summary>
    public bool Fits(RowRequest row) =>
        row is { Parameters: { NumBeams: 1, RepetitionPenalty: 1.0, NoRepeatNgramSize: 0, MinNewTokens: <= 0, Sampling: null } } && tokens.ForcedLast is null
        && (tokens.ForcedFirst is null || row.Prompt.Count > 1);

    /// <summary>Generates for a batch, and for rows that join it.</summary>
    /// <param name="device">Where rows run.</param>
    /// <param name="policy">When rows leave and join.</param>
    /// <param name="rows">The rows that it begins with, which all fit.</param>
    /// <param name="results">Receives their sequences, or failures.</param>
    /// <param name="more">Gives rows that join, which are told their end; those that can't join are left to the caller. Null where none may.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    public void Run(
        IChatDevice device, JoinPolicy policy, IReadOnlyList<ChatRow> rows, Span<RowResult> results, Func<int, IReadOnlyList<ChatRow>>? more,
        CancellationToken cancellation)
    {
        bool Joins(ChatRow row) => Fits(row.Request) && row.Request.Prompt.Count + row.Request.Parameters.MaxNewTokens <= device.Capacity;
        SingleRow Start(ChatRow row, int index) => new(index, row.Request, tokens, _processors);
        new ChatRun(device, policy, Start, Joins, more).Run(rows, results, cancellation);
    }
}
