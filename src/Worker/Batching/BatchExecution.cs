using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Batching;

/// <summary>Runs batches on a device and settles their rows. What does not fit into its memory runs in halves, down to single rows.</summary>
internal sealed class BatchExecution(DeviceLoad load, TimeProvider time, WorkerMetrics metrics)
{
    /// <summary>Runs a batch; every row is settled when it returns or throws.</summary>
    /// <exception cref="DeviceLostException">The device is lost; the rows that it took along failed for that dependency.</exception>
    public void Run(Batch batch, CancellationToken stopping)
    {
        var rows = batch.Rows.ToArray();
        try
        {
            RunOrHalve(batch, rows, stopping);
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

    private void RunOrHalve(Batch batch, ArraySegment<BatchRow> rows, CancellationToken stopping)
    {
        try
        {
            RunAtOnce(batch, rows, stopping);
            return;
        }
        catch (OutOfDeviceMemoryException error)
        {
            load.DidNotFit(batch.Key, rows.Count);
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
            Fail(rows, new DependencyException(Dependency.Device, "the worker is stopping", error));
            return;
        }
        catch (Exception error) when (error is not DeviceLostException)
        {
            // A model reports a row's own failure as an outcome: what arrives here hit the whole batch.
            Fail(rows, error);
            return;
        }

        // What became of these is known, however the others fare.
        foreach (var row in rows.Where(static row => row.Completion.IsCompleted))
            row.Release();
        ArraySegment<BatchRow> open = rows.Where(static row => !row.Completion.IsCompleted).ToArray();
        var half = open.Count < rows.Count ? 0 : open.Count / 2;
        if (half > 0)
            RunOrHalve(batch, open[..half], stopping);
        if (open.Count > 0)
            RunOrHalve(batch, open[half..], stopping);
    }

    private void RunAtOnce(Batch batch, ArraySegment<BatchRow> rows, CancellationToken stopping)
    {
        using var span = Tracing.StartBatch(batch.Key.Model, load.Device.Name, rows.Select(row => row.Trace));
        span?.SetTag("vlworker.batch.size", rows.Count);
        var limit = load.Limit(batch.Key);
        var (started, date, trace) = (time.GetTimestamp(), time.GetUtcNow(), span?.Context ?? default);
        BatchedOutcome Batched(BatchRow row, InferenceOutcome outcome) =>
            new(outcome, time.GetElapsedTime(row.Submitted, batch.Formed), time.GetElapsedTime(started), rows.Count) { Started = date, Trace = trace };
        // A row alone ends with its batch. And a suspect must not seem done while native code has it.
        foreach (var row in rows)
            row.Input.OnOutcome = rows.Count == 1 || row.Input.Mark is { Solo: true } ? null : outcome => row.Tell(Batched(row, outcome));
        var outcomes = RunJournalled(load.Device.Find(batch.Key.Model)!, [.. rows.Select(row => row.Input)], stopping);
        var ran = time.GetElapsedTime(started);
        load.Ran(batch.Key, rows.Count, ran);
        metrics.Batch(batch.Key.Model, load.Device.Name, rows.Count, limit, ran);
        metrics.BatchLimit(batch.Key.Model, load.Device.Name, load.LowestLimit(batch.Key.Model));
        for (var i = 0; i < rows.Count; i++)
            rows[i].Settle(Batched(rows[i], outcomes[i]));
    }

    private static IReadOnlyList<InferenceOutcome> RunJournalled(IModel model, InferenceInput[] rows, CancellationToken stopping)
    {
        using var work = NativeWork.Begin([.. rows.Select(row => row.Mark).OfType<WorkMark>()], WorkStage.Inference);
        return model.Run(rows, stopping);
    }

    /// <summary>Fails the rows that are not settled yet.</summary>
    private static void Fail(ArraySegment<BatchRow> rows, Exception error)
    {
        foreach (var row in rows)
            row.Fail(error);
    }
}
