using System.Diagnostics;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>Rows while their model runs them, and those that join them meanwhile. Used on the thread that runs them.</summary>
/// <param name="rows">The rows that it begins with.</param>
/// <param name="formed">Timestamp of <see cref="TimeProvider.GetTimestamp"/> when they were put together.</param>
/// <param name="join">Takes so many rows at most that wait; null where none may join.</param>
/// <param name="time">The clock.</param>
internal sealed class RunningBatch(IReadOnlyList<BatchRow> rows, long formed, Func<int, IReadOnlyList<BatchRow>>? join, TimeProvider time)
    : IRowSource
{
    // A batch ends some time, however many wait: what is measured, and what could not join, waits for its end.
    private const int MostBatches = 32;

    private readonly List<Member> _members = [.. Members(rows, formed, rows.Count, time)];
    private readonly HashSet<BatchRow> _inWork = [];
    private Activity? _span;

    /// <summary>All rows, in the order in which they came.</summary>
    public IEnumerable<BatchRow> Rows => _members.Select(static member => member.Row);

    /// <summary>Rows whose outcome is not known.</summary>
    public IReadOnlyList<BatchRow> Open => [.. Rows.Where(static row => !row.Completion.IsCompleted)];

    /// <summary>Rows that have joined.</summary>
    public int Joined => _members.Count - rows.Count;

    /// <summary>Told of rows that join.</summary>
    public required Action<int> OnJoined { get; init; }

    /// <summary>Rows that may run at the same time.</summary>
    public required Func<int> Limit { get; init; }

    /// <summary>Has a model run it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="span">Of the batch; null while nobody records.</param>
    /// <param name="stopping">Ends it.</param>
    /// <returns>One outcome for each of <see cref="Rows"/>.</returns>
    public IReadOnlyList<InferenceOutcome> Run(IModel model, Activity? span, CancellationToken stopping)
    {
        _span = span;
        Begin(_members);
        try
        {
            return model.Run([.. rows.Select(static row => row.Input)], join is null ? null : this, stopping);
        }
        finally
        {
            EndWork([.. _inWork]);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<InferenceInput> Take(int most)
    {
        foreach (var row in EndWork([.. _inWork.Where(static row => row.Completion.IsCompleted)]))
            row.Release();
        var (open, limit) = (_inWork.Count, Limit());
        most = Math.Min(Math.Min(most, limit - open), (MostBatches * limit) - _members.Count);
        var joined = most > 0 ? join!(most) : [];
        if (joined.Count == 0)
            return [];
        Member[] members = [.. Members(joined, time.GetTimestamp(), open + joined.Count, time)];
        _members.AddRange(members);
        Begin(members);
        Tracing.Link(_span, joined.Select(static row => row.Trace));
        OnJoined(joined.Count);
        return [.. joined.Select(static row => row.Input)];
    }

    /// <summary>Settles the rows.</summary>
    /// <param name="outcomes">One for each.</param>
    public void Settle(IReadOnlyList<InferenceOutcome> outcomes)
    {
        for (var i = 0; i < outcomes.Count; i++)
            _members[i].Row.Settle(Batched(_members[i], outcomes[i]));
    }

    private static IEnumerable<Member> Members(IReadOnlyList<BatchRow> rows, long put, int company, TimeProvider time)
    {
        var (started, date) = (time.GetTimestamp(), time.GetUtcNow());
        return rows.Select(row => new Member(row, put, started, date, company));
    }

    // Native code is about to get these.
    private void Begin(IReadOnlyList<Member> begun)
    {
        foreach (var member in begun)
        {
            var row = member.Row;
            _inWork.Add(row);
            // A row that stays alone ends with its batch. And a suspect must not seem done while native code has it.
            var endsWithBatch = (rows.Count == 1 && join is null) || row.Input.Mark is { Solo: true };
            row.Input.OnOutcome = endsWithBatch ? null : outcome => row.Tell(Batched(member, outcome));
        }

        WorkMark[] marks = Marks(begun.Select(static member => member.Row));
        if (marks.Length > 0)
            marks[0].Journal.Begin(marks, WorkStage.Inference);
    }

    // Native code has given these back.
    private BatchRow[] EndWork(BatchRow[] ended)
    {
        WorkMark[] marks = Marks(ended);
        if (marks.Length > 0)
            marks[0].Journal.End(marks);
        _inWork.ExceptWith(ended);
        return ended;
    }

    private static WorkMark[] Marks(IEnumerable<BatchRow> rows) => [.. rows.Select(static row => row.Input.Mark).OfType<WorkMark>()];

    private BatchedOutcome Batched(Member member, InferenceOutcome outcome) =>
        new(outcome, time.GetElapsedTime(member.Row.Submitted, member.Put), time.GetElapsedTime(member.Started), member.Company)
        {
            Started = member.Date,
            Trace = _span?.Context ?? default,
        };

    /// <summary>A row in it.</summary>
    /// <param name="Row">The row.</param>
    /// <param name="Put">Timestamp of when it was chosen.</param>
    /// <param name="Started">Timestamp of when it began to run.</param>
    /// <param name="Date">The same as a date.</param>
    /// <param name="Company">Rows that ran then, itself included.</param>
    private sealed record Member(BatchRow Row, long Put, long Started, DateTimeOffset Date, int Company);
}
