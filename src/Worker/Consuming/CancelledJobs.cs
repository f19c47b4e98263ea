using System.Collections.Concurrent;
using VlWorker.Contracts;

namespace VlWorker.Consuming;

/// <summary>The jobs that were cancelled, each with the moment up to which its requests are void.</summary>
internal sealed class CancelledJobs
{
    /// <summary>What the stream keeps for 30 days; above that the oldest are forgotten.</summary>
    private const int Most = 100_000;

    private readonly ConcurrentDictionary<string, DateTimeOffset> _jobs = new(StringComparer.Ordinal);

    /// <summary>Takes note of a cancellation; of several of one job the last counts.</summary>
    public void Add(CancelJob cancellation)
    {
        _jobs.AddOrUpdate(cancellation.JobId, cancellation.CancelledAt, (_, known) => known > cancellation.CancelledAt ? known : cancellation.CancelledAt);
        if (_jobs.Count > Most)
            _jobs.TryRemove(_jobs.MinBy(job => job.Value));
    }

    /// <summary>Whether a request is void.</summary>
    /// <param name="job">Its job, if any.</param>
    /// <param name="published">Its AMQP timestamp, in whole seconds; a request without one counts as published before.</param>
    public bool Covers(string? job, DateTimeOffset? published) =>
        job is not null && _jobs.TryGetValue(job, out var cancelled) && !(published > cancelled);
}
