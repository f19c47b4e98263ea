using System.Diagnostics;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>One submitted input on its way. Owns the input: whoever settles the row disposes of it, once.</summary>
internal sealed class BatchRow(InferenceInput input, RowTerms terms, long submitted)
{
    private readonly TaskCompletionSource<BatchedOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _settled;

    public InferenceInput Input { get; } = input;

    public BatchPriority Priority { get; } = terms.Priority;

    public DateTimeOffset? Deadline { get; } = terms.Deadline;

    /// <summary>Its job; empty if it has none.</summary>
    public string Job { get; } = terms.Job ?? string.Empty;

    /// <summary>Timestamp of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Submitted { get; } = submitted;

    /// <summary>The span that the row was submitted in; default while nobody records.</summary>
    public ActivityContext Trace { get; } = Activity.Current?.Context ?? default;

    /// <summary>Where the row waits, guarded by the batcher's lock; null once it has left.</summary>
    public LinkedListNode<BatchRow>? Node { get; set; }

    /// <summary>Its place among its job's backfill rows, guarded by the batcher's lock.</summary>
    public LinkedListNode<BatchRow>? JobNode { get; set; }

    /// <summary>Completes when the row is settled.</summary>
    public Task<BatchedOutcome> Completion => _done.Task;

    public void Succeed(BatchedOutcome outcome)
    {
        if (Settle())
            _done.SetResult(outcome);
    }

    /// <summary>A failure of our vocabulary goes on as it is; any other is this row's transient fault.</summary>
    public void Fail(Exception error)
    {
        if (Settle())
            _done.SetException(error is RejectedException or TransientException or DependencyException
                ? error
                : new TransientException($"inference failed: {error.Message}", error));
    }

    public void Cancel(CancellationToken cancellation)
    {
        if (Settle())
            _done.SetCanceled(cancellation);
    }

    private bool Settle()
    {
        if (Interlocked.Exchange(ref _settled, 1) != 0)
            return false;
        Input.Dispose();
        return true;
    }
}
