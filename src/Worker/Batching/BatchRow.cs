using System.Diagnostics;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Batching;

/// <summary>
/// One submitted input on its way. Owns the input: whoever settles the row disposes of it, once. A row that ends before its batch does is told so
/// first and settled with the others.
/// </summary>
internal sealed class BatchRow(InferenceInput input, RowTerms terms, long submitted)
{
    private readonly TaskCompletionSource<BatchedOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _told;
    private int _released;

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

    /// <summary>Completes when the row's outcome is known.</summary>
    public Task<BatchedOutcome> Completion => _done.Task;

    /// <summary>Tells the outcome while the batch still runs, which may still read the input: that stays until the row is settled.</summary>
    public void Tell(BatchedOutcome outcome)
    {
        if (Interlocked.Exchange(ref _told, 1) != 0)
            return;
        if (outcome.Outcome is FailedOutcome failed)
            _done.SetException(Known(failed.Error));
        else
            _done.SetResult(outcome);
    }

    /// <summary>The batch has ended.</summary>
    public void Settle(BatchedOutcome outcome)
    {
        Release();
        Tell(outcome);
    }

    /// <summary>Ends the row with a failure, unless its outcome is known.</summary>
    public void Fail(Exception error)
    {
        Release();
        if (Interlocked.Exchange(ref _told, 1) == 0)
            _done.SetException(Known(error));
    }

    /// <summary>Ends the row, which nobody waits for any more.</summary>
    public void Cancel(CancellationToken cancellation)
    {
        Release();
        if (Interlocked.Exchange(ref _told, 1) == 0)
            _done.SetCanceled(cancellation);
    }

    /// <summary>Gives the input back: nothing reads it any more.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
            Input.Dispose();
    }

    // A failure of our vocabulary goes on as it is; any other is this row's transient fault.
    private static Exception Known(Exception error) => error is RejectedException or TransientException or DependencyException
        ? error
        : new TransientException($"inference failed: {error.Message}", error);
}
