using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// One batch of a <see cref="ChatSearch"/>, in which rows leave and join:
/// <code>
/// start: images and prompts, first tokens on their way
/// queue the next step -> look at the tokens of all steps but that one: rows end -> rows join, or those that are left move together -> ...
/// </code>
/// What is on its way was queued with the places that rows had then.
/// </summary>
/// <param name="device">Where rows run.</param>
/// <param name="policy">When rows leave and join.</param>
/// <param name="start">Makes a row's search; the number is its index.</param>
/// <param name="joins">Whether a row may run on the device.</param>
/// <param name="more">Gives rows that join; null where none may.</param>
internal sealed class ChatRun(
    IChatDevice device, JoinPolicy policy, Func<ChatRow, int, SingleRow> start, Func<ChatRow, bool> joins, Func<int, IReadOnlyList<ChatRow>>? more)
{
    private readonly RunningPlaces _places = new(device.Places);
    private readonly Queue<Fetched> _onTheWay = new();
    private Func<int, IReadOnlyList<ChatRow>>? _more = more;
    private RowResult[] _results = [];
    private int _fetches;
    private int _pause;

    /// <summary>Runs it.</summary>
    /// <param name="rows">The rows that it begins with.</param>
    /// <param name="results">Receives their sequences, or failures; those that join tell theirs at their <see cref="RowRequest.End"/>.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    public void Run(IReadOnlyList<ChatRow> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        // One more, for those who join.
        _results = new RowResult[rows.Count + 1];
        _places.Arrange(0, device.SizeFor(rows.Count));
        Start(rows, 0, static i => i, cancellation);
        do
        {
            cancellation.ThrowIfCancellationRequested();
            var steps = _places.WantsMore;
            if (steps)
                Step();
            while (_onTheWay.Count > (steps ? 1 : 0))
                Look(_onTheWay.Dequeue());
        }
        while (Join(cancellation) || Leave());
        _results.AsSpan(0, rows.Count).CopyTo(results);
    }

    private void Start(IReadOnlyList<ChatRow> rows, int first, Func<int, int> index, CancellationToken cancellation)
    {
        var added = new RunningRow[rows.Count];
        for (var i = 0; i < added.Length; i++)
            added[i] = new RunningRow(start(rows[i], index(i)));
        _places.Add(added, device.Start(rows, first, cancellation));
        Fetch(first, rows.Count);
    }

    private void Step()
    {
        if (_places.Overflow(device.Capacity))
            device.Move(_places.Arrange(_places.Size, _places.Size));
        device.Step(_places.Size);
        _places.Step();
        _pause--;
        Fetch(0, _places.Size);
    }

    private void Fetch(int first, int count)
    {
        device.Fetch(_fetches, first, count);
        _onTheWay.Enqueue(new Fetched(_fetches++, _places.Rows, first, count));
        for (var place = first; place < first + count; place++)
        {
            if (_places.Rows[place] is { } row)
                row.Queued++;
        }
    }

    private void Look(Fetched fetched)
    {
        device.Wait(fetched.Number, fetched.Count);
        for (var place = fetched.First; place < fetched.First + fetched.Count; place++)
        {
            if (fetched.Rows[place] is not { IsOver: false } row)
                continue;
            var (token, probability) = device.Read(fetched.Number, place);
            row.IsOver = !row.Search.Settle(
                (row.Search, token, probability), static choice => choice.Search.AcceptChoice(choice.token, choice.probability), _results);
        }
    }

    private bool Join(CancellationToken cancellation)
    {
        var open = _places.Open;
        var free = device.Places - open;
        if (_more is null || (open > 0 && (_pause > 0 || free < Math.Max(1, policy.Free * device.Places))))
            return false;
        _pause = policy.Pause;
        var taken = _more(free);
        ChatRow[] rows = [.. taken.Where(joins)];
        // Those that can't join run when this batch has ended: it must end.
        if (rows.Length < taken.Count)
            _more = null;
        if (rows.Length == 0)
            return false;
        device.Move(_places.Arrange(open, device.SizeFor(open + rows.Length)));
        Start(rows, open, _ => _results.Length - 1, cancellation);
        return true;
    }

    // False when nobody is left.
    private bool Leave()
    {
        var open = _places.Open;
        if (open == 0)
            return false;
        var size = device.SizeFor(open);
        if (size <= policy.Leave * _places.Size)
            device.Move(_places.Arrange(size, size));
        return true;
    }

    /// <summary>Tokens on their way to the host.</summary>
    /// <param name="Number">Of the fetch.</param>
    /// <param name="Rows">The row in each place.</param>
    /// <param name="First">The first place.</param>
    /// <param name="Count">Places.</param>
    private readonly record struct Fetched(int Number, IReadOnlyList<RunningRow?> Rows, int First, int Count);
}
