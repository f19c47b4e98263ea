using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>Runs batches on a device and settles their rows. What does not fit into its memory runs in halves, down to single rows.</summary>
/// <param name="load">The device.</param>
/// <param name="time">The clock.</param>
/// <param name="metrics">Told of batches.</param>
/// <param name="join">Takes rows that wait, so many at most, for the batch that runs; null where none join.</param>
internal sealed class BatchExecution(DeviceLoad load, TimeProvider time, WorkerMetrics metrics, Func<int, IReadOnlyList<BatchRow>>? join = null)
{
    /// <summary>Runs a batch; every row is settled when it returns or throws.</summary>
    /// <exception cref="DeviceLostException">The device is lost; the rows that it took along failed for that dependency.</exception>
    public void Run(Batch batch, CancellationToken stopping)
    {
        var rows = batch.Rows.ToArray();
        try
        {
            RunOrHalve(batch, rows, Joinable(batch) ? join : null, stopping);
        }
        catch (DeviceLostException error)
        {
            Fail(rows, Lost(load.Device, error));
            throw;
        }
    }

    /// <summary>What a lost device means to a message: nothing that it did, and nothing that trying again in this process would mend.</summary>
    public static DependencyException Lost(Device device, DeviceLostException error) =>
        new(Dependency.Device, $"{device.Name} is lost, the process has to be restarted: {error.Message}", error);

    // Nobody joins a suspect.
    private bool Joinable(Batch batch) =>
        load.Device.Find(batch.Key.Model) is { TakesMore: true } && !batch.Rows.Any(static row => row.Input.Mark is { Solo: true });

    private void RunOrHalve(Batch batch, ArraySegment<BatchRow> begun, Func<int, IReadOnlyList<BatchRow>>? more, CancellationToken stopping)
    {
        var running = new RunningBatch(begun, batch.Formed, more, time)
        {
            Limit = () => load.Limit(batch.Key),
            OnJoined = joined => metrics.Joined(batch.Key.Model, load.Device.Name, joined),
        };
        ArraySegment<BatchRow> rows;
        try
        {
            RunAtOnce(batch, running, stopping);
            return;
        }
        catch (OutOfDeviceMemoryException error)
        {
            rows = running.Rows.ToArray();
            load.DidNotFit(batch.Key, running.Joined > 0 ? running.Open.Count : rows.Count);
            metrics.OutOfMemory(batch.Key.Model, load.Device.Name);
            metrics.BatchLimit(batch.Key.Model, load.Device.Name, load.LowestLimit(batch.Key.Model));
            if (rows.Count == 1)
            {
                rows[0].Fail(new TransientException($"a single row does not fit into the memory of {load.Device.Name}: {error.Message}", error));
                return;
            }
        }
        catch (OperationCanceledException error) when (stopping.IsCancellationRequested)
        {
            Fail(running.Rows, new DependencyException(Dependency.Device, "the worker is stopping", error));
            return;
        }
        catch (DeviceLostException error)
        {
            Fail(running.Rows, Lost(load.Device, error));
            throw;
        }
        catch (Exception error)
        {
            // A model reports a row's own failure as an outcome: what arrives here hit the whole batch.
            Fail(running.Rows, error);
            return;
        }

        // What became of these is known, however the others fare.
        foreach (var row in rows.Where(static row => row.Completion.IsCompleted))
            row.Release();
        ArraySegment<BatchRow> open = rows.Where(static row => !row.Completion.IsCompleted).ToArray();
        var half = open.Count < rows.Count ? 0 : open.Count / 2;
        if (half > 0)
            RunOrHalve(batch, open[..half], null, stopping);
        if (open.Count > 0)
            RunOrHalve(batch, open[half..], null, stopping);
    }

    private void RunAtOnce(Batch batch, RunningBatch running, CancellationToken stopping)
    {
        var rows = running.Rows.ToList();
        using var span = Tracing.StartBatch(batch.Key.Model, load.Device.Name, rows.Select(static row => row.Trace));
        span?.SetTag("vlworker.batch.size", rows.Count);
        var (limit, started) = (load.Limit(batch.Key), time.GetTimestamp());
        var outcomes = running.Run(load.Device.Find(batch.Key.Model)!, span, stopping);
        var ran = time.GetElapsedTime(started);
        // How long a batch takes that others have joined says nothing of batches that begin and end as one.
        if (running.Joined == 0)
            load.Ran(batch.Key, rows.Count, ran);
        metrics.Batch(batch.Key.Model, load.Device.Name, rows.Count, limit, ran);
        metrics.BatchLimit(batch.Key.Model, load.Device.Name, load.LowestLimit(batch.Key.Model));
        running.Settle(outcomes);
    }

    /// <summary>Fails the rows that are not settled yet.</summary>
    private static void Fail(IEnumerable<BatchRow> rows, Exception error)
    {
        foreach (var row in rows)
            row.Fail(error);
    }
}
