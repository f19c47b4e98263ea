using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Rows that may share a batch, one queue a priority. Guarded by the batcher's lock.</summary>
internal sealed class Bucket(BatchKey key)
{
    private readonly LinkedList<BatchRow> _interactive = new();
    private readonly LinkedList<BatchRow> _backfill = new();

    public BatchKey Key { get; } = key;

    public int Count => _interactive.Count + _backfill.Count;

    /// <summary>Rows that have a deadline.</summary>
    public int Deadlines { get; private set; }

    public BatchRow? OldestInteractive => _interactive.First?.Value;

    public BatchRow? OldestBackfill => _backfill.First?.Value;

    /// <summary>All rows, in no particular order.</summary>
    public IEnumerable<BatchRow> Rows => _interactive.Concat(_backfill);

    public void Add(BatchRow row)
    {
        row.Node = Of(row).AddLast(row);
        if (row.Deadline is not null)
            Deadlines++;
    }

    /// <summary>Takes a row out of its queue; false if it has left already.</summary>
    public bool Remove(BatchRow row)
    {
        if (row.Node is not { } node)
            return false;
        Of(row).Remove(node);
        row.Node = null;
        if (row.Deadline is not null)
            Deadlines--;
        return true;
    }

    /// <summary>
    /// Takes rows in the order of urgency: interactive first, backfill rows that have aged in their order among them, then the rest of backfill.
    /// </summary>
    /// <param name="skip">Rows at the front that stay.</param>
    /// <param name="count">Rows to take.</param>
    /// <param name="aged">Whether a backfill row counts as interactive.</param>
    public List<BatchRow> Take(int skip, int count, Func<BatchRow, bool> aged)
    {
        var rows = Ordered(aged).Skip(skip).Take(count).ToList();
        rows.ForEach(row => Remove(row));
        return rows;
    }

    private IEnumerable<BatchRow> Ordered(Func<BatchRow, bool> aged)
    {
        var (interactive, backfill) = (_interactive.First, _backfill.First);
        while (interactive is not null || backfill is not null)
        {
            if (interactive is null || (backfill is not null && backfill.Value.Submitted < interactive.Value.Submitted && aged(backfill.Value)))
            {
                yield return backfill!.Value;
                backfill = backfill.Next;
            }
            else
            {
                yield return interactive.Value;
                interactive = interactive.Next;
            }
        }
    }

    private LinkedList<BatchRow> Of(BatchRow row) => row.Priority == BatchPriority.Interactive ? _interactive : _backfill;
}
