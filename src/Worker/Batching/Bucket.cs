using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>Rows that may share a batch, one queue a priority. Guarded by the batcher's lock.</summary>
internal sealed class Bucket(BatchKey key)
{
    private readonly LinkedList<BatchRow> _interactive = new();
    private readonly LinkedList<BatchRow> _backfill = new();

    public BatchKey Key { get; } = key;

    public int Count => _interactive.Count + _backfill.Count;

    public BatchRow? OldestInteractive => _interactive.First?.Value;

    public BatchRow? OldestBackfill => _backfill.First?.Value;

    /// <summary>All rows, in no particular order.</summary>
    public IEnumerable<BatchRow> Rows => _interactive.Concat(_backfill);

    public void Add(BatchRow row) => row.Node = Of(row).AddLast(row);

    /// <summary>Takes a row out of its queue; false if it has left already.</summary>
    public bool Remove(BatchRow row)
    {
        if (row.Node is not { } node)
            return false;
        Of(row).Remove(node);
        row.Node = null;
        return true;
    }

    /// <summary>Takes the next rows: interactive first, backfill rows that have aged in their order among them, then the rest of backfill.</summary>
    public List<BatchRow> Take(int maximum, Func<BatchRow, bool> aged)
    {
        var rows = new List<BatchRow>(Math.Min(maximum, Count));
        while (rows.Count < maximum && Next(aged) is { } row)
        {
            Remove(row);
            rows.Add(row);
        }

        return rows;
    }

    private BatchRow? Next(Func<BatchRow, bool> aged) => (OldestInteractive, OldestBackfill) switch
    {
        (null, var backfill) => backfill,
        (var interactive, null) => interactive,
        var (interactive, backfill) => backfill.Submitted < interactive.Submitted && aged(backfill) ? backfill : interactive,
    };

    private LinkedList<BatchRow> Of(BatchRow row) => row.Priority == BatchPriority.Interactive ? _interactive : _backfill;
}
