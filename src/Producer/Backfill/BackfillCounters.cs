using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Figures of a run for whoever watches. Safe for all parts of the run at the same time.</summary>
internal sealed class BackfillCounters
{
    private long _unpublished;
    private long _published;
    private long _listed;
    private long _unanswered;
    private long _described;
    private long _rejected;
    private long _dead;
    private long _faults;
    private long _refused;

    /// <param name="job">The job as it is at the beginning.</param>
    public BackfillCounters(JobFile job) => Sync(job);

    /// <summary>Published and confirmed in this run.</summary>
    public long PublishedNow => Interlocked.Read(ref _published);

    /// <summary>Faulty entries of the source in this run.</summary>
    public long Faults => Interlocked.Read(ref _faults);

    /// <summary>Rejections and dead letters, earlier runs included.</summary>
    public long NotDescribed => Interlocked.Read(ref _rejected) + Interlocked.Read(ref _dead);

    /// <summary>The figures of this moment.</summary>
    public Snapshot Now() => new(
        Interlocked.Read(ref _listed),
        Interlocked.Read(ref _described),
        Interlocked.Read(ref _rejected),
        Interlocked.Read(ref _dead),
        Math.Max(0, Interlocked.Read(ref _unanswered) - Interlocked.Read(ref _unpublished)),
        Interlocked.Read(ref _unanswered),
        PublishedNow,
        Interlocked.Read(ref _refused));

    /// <summary>Items were listed.</summary>
    public void Listed(long items)
    {
        Interlocked.Add(ref _listed, items);
        Interlocked.Add(ref _unpublished, items);
        Interlocked.Add(ref _unanswered, items);
    }

    /// <summary>Items were confirmed.</summary>
    public void Published(long count)
    {
        Interlocked.Add(ref _published, count);
        Interlocked.Add(ref _unpublished, -count);
    }

    /// <summary>An item that waited was answered.</summary>
    public void Answered(string kind)
    {
        Interlocked.Decrement(ref _unanswered);
        Add(kind, 1);
    }

    /// <summary>Counts anew, after items were made to wait again.</summary>
    public void Sync(JobFile job)
    {
        var outcomes = job.Outcomes.All();
        Interlocked.Exchange(ref _listed, job.Items.Count);
        Interlocked.Exchange(ref _unanswered, job.Unanswered);
        Interlocked.Exchange(ref _unpublished, job.Items.CountPending(job.Watermark));
        Interlocked.Exchange(ref _described, outcomes.Where(outcome => outcome.Kind == OutcomeKind.Described).Sum(outcome => outcome.Count));
        Interlocked.Exchange(ref _dead, outcomes.Where(outcome => outcome.Kind == OutcomeKind.Dead).Sum(outcome => outcome.Count));
        Interlocked.Exchange(ref _rejected, outcomes.Sum(outcome => outcome.Count) - _described - _dead);
    }

    /// <summary>An entry of the source was faulty.</summary>
    public void Faulty() => Interlocked.Increment(ref _faults);

    /// <summary>The broker refused a request.</summary>
    public void Refused() => Interlocked.Increment(ref _refused);

    private void Add(string kind, long count)
    {
        switch (kind)
        {
            case OutcomeKind.Described:
                Interlocked.Add(ref _described, count);
                break;
            case OutcomeKind.Dead:
                Interlocked.Add(ref _dead, count);
                break;
            default:
                Interlocked.Add(ref _rejected, count);
                break;
        }
    }
}

/// <summary>Figures of a moment.</summary>
/// <param name="Listed">Items listed.</param>
/// <param name="Described">Items with a result.</param>
/// <param name="Rejected">Items rejected, or never published because the job was cancelled.</param>
/// <param name="Dead">Items that became dead letters.</param>
/// <param name="InFlight">Items published and not answered.</param>
/// <param name="Unanswered">Items without an answer, published or not.</param>
/// <param name="PublishedNow">Items published and confirmed in this run.</param>
/// <param name="Refused">Times that the broker refused a request in this run.</param>
internal sealed record Snapshot(
    long Listed, long Described, long Rejected, long Dead, long InFlight, long Unanswered, long PublishedNow, long Refused)
{
    /// <summary>Items with an answer.</summary>
    public long Answered => Described + Rejected + Dead;
}
