using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>A device's streams: threads that pull batches, run them and settle their rows.</summary>
/// <remarks>Inference blocks its thread for long, so it has threads of its own: the pool stays free for I/O.</remarks>
internal sealed class DeviceRunner(DynamicBatcher batcher, int streams, TimeProvider time, WorkerMetrics metrics) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Thread> _threads = [];

    /// <summary>Starts the streams.</summary>
    public void Start()
    {
        for (var i = 0; i < streams; i++)
        {
            var thread = new Thread(Work) { IsBackground = true, Name = $"stream-{i}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Lets the streams finish what the batcher still holds, then ends them; false if they are still busy after the time-out.</summary>
    public bool Stop(TimeSpan timeout)
    {
        batcher.Complete();
        var started = time.GetTimestamp();
        foreach (var thread in _threads)
        {
            var left = timeout - time.GetElapsedTime(started);
            if (!thread.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                return false;
        }

        _threads.Clear();
        return true;
    }

    /// <summary>Cancels what still runs and ends the streams.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        if (Stop(TimeSpan.FromSeconds(30)))
            _stopping.Dispose();
    }

    private void Work()
    {
        while (batcher.TakeAsync().GetAwaiter().GetResult() is { } batch)
            Run(batch);
    }

    private void Run(Batch batch)
    {
        var started = time.GetTimestamp();
        try
        {
            var outcomes = batch.Key.Model.Run([.. batch.Rows.Select(row => row.Input)], _stopping.Token);
            var ran = time.GetElapsedTime(started);
            metrics.Batch(batch.Key.Model.Reference.Alias, batch.Rows.Count, ran);
            for (var i = 0; i < batch.Rows.Count; i++)
                Settle(batch, batch.Rows[i], outcomes[i], ran);
        }
        catch (Exception error)
        {
            // A model reports a row's own failure as an outcome: what arrives here hit the whole batch.
            var cause = error is OperationCanceledException ? new DependencyException(Dependency.Device, "the worker is stopping", error) : error;
            foreach (var row in batch.Rows)
                row.Fail(cause);
        }
    }

    private void Settle(Batch batch, BatchRow row, InferenceOutcome outcome, TimeSpan ran)
    {
        if (outcome is FailedOutcome failed)
            row.Fail(failed.Error);
        else
            row.Succeed(new BatchedOutcome(outcome, time.GetElapsedTime(row.Submitted, batch.Formed), ran, batch.Rows.Count));
    }
}
