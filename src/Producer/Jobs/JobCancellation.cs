namespace VlWorker.Producer.Jobs;

/// <summary>A job's cancellation, and what is left to be done of it, kept in the file until it is done.</summary>
/// <param name="job">The job.</param>
internal sealed class JobCancellation(JobFile job)
{
    /// <summary>Whether the job is cancelled and workers, which may find some of it queued, do not know.</summary>
    public bool IsUntold => job.Meta.Is(JobMeta.Untold);

    /// <summary>Remembers that the job publishes; to be called before the first item is published.</summary>
    public void MarkPublishing() => job.Meta.Set(JobMeta.Publishing, 1);

    /// <summary>Cancels the job: nothing more of it is to be published.</summary>
    /// <param name="isRunning">Whether a producer runs it.</param>
    /// <returns>Whether something of it may be queued, so that workers are to be told; true until <see cref="MarkTold"/>.</returns>
    public bool Begin(bool isRunning) => job.Database.Write(() =>
    {
        job.Command(JobControl.Cancelled);

        // What a killed producer published last is not recorded, and a file of an earlier version does not tell whether it ever published.
        var isQueued = isRunning || IsUntold || (job.Meta.Get(JobMeta.Publishing) != "0" && job.Unanswered > 0);
        if (isQueued)
            job.Meta.Set(JobMeta.Untold, 1);
        return isQueued;
    });

    /// <summary>Remembers that workers know.</summary>
    public void MarkTold() => job.Meta.Set(JobMeta.Untold, 0);

    /// <summary>What was never published gets the outcome that it was not. Returns how many.</summary>
    public long DropUnpublished() => job.Database.Write(() => job.Outcomes.DropAfter(job.Watermark));
}
