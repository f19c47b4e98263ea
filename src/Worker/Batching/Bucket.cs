using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Rows that may share a batch, one queue a priority. Guarded by the batcher's lock.</summary>
internal sealed class Bucket(BatchKey key)
{
    /// <summary>Interactive rows between two backfill rows, once backfill has aged: neither can keep the other away.</summary>
    public const int InteractiveToAged = 3;

    private readonly LinkedList<BatchRow> _interactive = new();
    private readonly JobTurns _backfill = new();

    /// <summary>Interactive rows that were taken since the last backfill row.</summary>
    private int _passed;

    public BatchKey Key { get; } = key;

    public int Count => _interactive.Count + _backfill.Count;

    /// <summary>Rows that have a deadline.</summary>
    public int Deadlines { get; private set; }

    /// <summary>Rows that must run alone.</summary>
    public int Suspects { get; private set; }

    public BatchRow? OldestInteractive => _interactive.First?.Value;

    public BatchRow? OldestBackfill => _backfill.Oldest;

    /// <summary>All rows, in no particular order.</summary>
    public IEnumerable<BatchRow> Rows => _interactive.Concat(_backfill.Rows);

    public void Add(BatchRow row)
    {
        if (row.Priority == BatchPriority.Interactive)
            row.Node = _interactive.AddLast(row);
        else
            _backfill.Add(row);
        Tally(row, 1);
    }

    /// <summary>Takes a row out of its queue; false if it has left already.</summary>
    public bool Remove(BatchRow row) => Remove(row, turn: false);

    /// <summary>
    /// Takes rows in the order of urgency: interactive first, then backfill, whose jobs take turns. Once backfill has aged, every fourth row is of backfill.
    /// </summary>
    /// <param name="share">Rows at the front that stay, and rows to take.</param>
    /// <param name="fill">Says how many it becomes, from the rows up to the last interactive one and all that it could hold.</param>
    /// <param name="overdue">Whether the oldest backfill row has waited too long.</param>
    public List<BatchRow> Take(Share share, Func<int, int, int> fill, bool overdue)
    {
        var rows = Ordered(overdue).Skip(share.Skip).Take(share.Count).ToList();
        var interactive = rows.FindLastIndex(row => row.Priority == BatchPriority.Interactive) + 1;
        rows = rows[..fill(interactive, rows.Count)];
        foreach (var row in rows)
        {
            _passed = row.Priority == BatchPriority.Interactive ? _passed + 1 : 0;
            Remove(row, turn: true);
        }

        return rows;
    }

    private bool Remove(BatchRow row, bool turn)
    {
        if (row.Node is null)
            return false;
        if (row.Priority == BatchPriority.Interactive)
            _interactive.Remove(row.Node);
        else
            _backfill.Remove(row, turn);
        row.Node = null;
        Tally(row, -1);
        return true;
    }

    private void Tally(BatchRow row, int by)
    {
        Deadlines += row.Deadline is null ? 0 : by;
        Suspects += row.Input.Mark is { Solo: true } ? by : 0;
    }

    private IEnumerable<BatchRow> Ordered(bool overdue)
    {
        var (interactive, passed) = (_interactive.First, _passed);
        foreach (var backfill in _backfill.InTurn())
        {
            for (; interactive is not null && !(overdue && passed >= InteractiveToAged); interactive = interactive.Next, passed++)
                yield return interactive.Value;
            yield return backfill;
            passed = 0;
        }

        for (; interactive is not null; interactive = interactive.Next)
            yield return interactive.Value;
    }
}
