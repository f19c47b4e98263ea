namespace VlWorker.Batching;

/// <summary>Backfill rows of a bucket: jobs take turns, a row each; a job's rows go in the order of their arrival. Guarded by the batcher's lock.</summary>
/// <remarks>A job is known while it has rows here. One that comes anew has its turn after those that wait, so none can push in front or be starved.</remarks>
internal sealed class JobTurns
{
    private readonly LinkedList<BatchRow> _arrivals = new();
    private readonly Dictionary<string, Job> _jobs = new(StringComparer.Ordinal);

    /// <summary>The first has the next turn.</summary>
    private readonly LinkedList<Job> _turns = new();

    public int Count => _arrivals.Count;

    /// <summary>The row that came first.</summary>
    public BatchRow? Oldest => _arrivals.First?.Value;

    /// <summary>All rows in the order of their arrival.</summary>
    public IEnumerable<BatchRow> Rows => _arrivals;

    public void Add(BatchRow row)
    {
        if (!_jobs.TryGetValue(row.Job, out var job))
        {
            _jobs.Add(row.Job, job = new Job());
            _turns.AddLast(job.Turn);
        }

        row.Node = _arrivals.AddLast(row);
        row.JobNode = job.Rows.AddLast(row);
    }

    /// <summary>All rows in the order in which their turns come, if nothing comes or goes meanwhile.</summary>
    public IEnumerable<BatchRow> InTurn()
    {
        var next = new Queue<LinkedListNode<BatchRow>>(_turns.Select(job => job.Rows.First!));
        while (next.TryDequeue(out var row))
        {
            yield return row.Value;
            if (row.Next is { } behind)
                next.Enqueue(behind);
        }
    }

    /// <summary>Takes a row out; its job had its turn if a batch has taken it, and goes behind the others.</summary>
    public void Remove(BatchRow row, bool turn)
    {
        var job = _jobs[row.Job];
        _arrivals.Remove(row.Node!);
        job.Rows.Remove(row.JobNode!);
        row.JobNode = null;
        if (job.Rows.Count == 0)
            _jobs.Remove(row.Job);
        if (turn || job.Rows.Count == 0)
            _turns.Remove(job.Turn);
        if (turn && job.Rows.Count > 0)
            _turns.AddLast(job.Turn);
    }

    private sealed class Job
    {
        public Job() => Turn = new LinkedListNode<Job>(this);

        public LinkedListNode<Job> Turn { get; }

        public LinkedList<BatchRow> Rows { get; } = new();
    }
}
