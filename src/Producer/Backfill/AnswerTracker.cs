using System.Threading.Channels;
using RabbitMQ.Client;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Records answers as they come, and acknowledges them once they are in the job file. Ends when everything is answered.</summary>
internal sealed class AnswerTracker(JobFile job, BackfillCounters counters, TimeProvider time)
{
    /// <summary>Answers taken and not yet recorded, at most.</summary>
    public const ushort Prefetch = 2000;

    private const int Batch = 1000;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly AnswerReader _reader = new(new RequestComposer(job.Settings, time));
    private long _lastAnswer = time.GetTimestamp();
    private readonly Dictionary<AskedModels, int?> _describedNow = [];

    /// <summary>Records until everything is answered or it is stopped.</summary>
    /// <exception cref="ProducerException">The connection or the queue is gone.</exception>
    public async Task RunAsync(IChannel channel, ChannelReader<Arrival> arrivals, CancellationToken stop)
    {
        while (!IsDone())
        {
            var batch = await TakeAsync(arrivals, stop);
            if (batch.Count > 0)
                await RecordAsync(channel, batch);
        }
    }

    /// <summary>Records what waits, until nothing comes for a moment.</summary>
    /// <exception cref="ProducerException">The connection or the queue is gone.</exception>
    public async Task TakeWaitingAsync(IChannel channel, ChannelReader<Arrival> arrivals, CancellationToken stop)
    {
        while (await TakeAsync(arrivals, stop) is { Count: > 0 } batch)
            await RecordAsync(channel, batch);
        stop.ThrowIfCancellationRequested();
    }

    private async Task RecordAsync(IChannel channel, List<Arrival> batch)
    {
        Record(batch);
        await channel.BasicAckAsync(batch[^1].Tag, multiple: true, CancellationToken.None);
    }

    private static async Task<List<Arrival>> TakeAsync(ChannelReader<Arrival> arrivals, CancellationToken stop)
    {
        var batch = new List<Arrival>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Idle);
        try
        {
            while (batch.Count < Batch && await arrivals.WaitToReadAsync(limit.Token))
            {
                while (batch.Count < Batch && arrivals.TryRead(out var arrival))
                {
                    if (batch.Count == 0)
                        limit.CancelAfter(Gather);
                    batch.Add(arrival);
                }
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested || batch.Count > 0)
        {
            // What came so far is recorded.
        }

        return batch;
    }

    private void Record(List<Arrival> batch)
    {
        var settlements = batch.Select(_reader.Read).OfType<Settlement>().ToList();
        var pause = time.GetElapsedTime(_lastAnswer);
        _lastAnswer = time.GetTimestamp();
        var first = job.Settle(settlements, settlements.Count > 0 && pause < LongestPause ? pause.TotalSeconds : 0);
        foreach (var settlement in first)
            counters.Answered(settlement.Kind);
        if (!job.IsComparing)
            return;
        foreach (var described in settlements.Where(settlement => settlement.Kind == OutcomeKind.Described))
        {
            if (job.Items.Asked(described.Id) is { } asked)
                _describedNow[asked] = job.Outcomes.Code(described.Kind, described.Detail);
        }
    }

    private bool IsDone()
    {
        if ((!job.IsListed && job.Control != JobControl.Cancelled) || job.Unanswered > 0)
            return false;
        if (!job.IsComparing || job.Control == JobControl.Cancelled)
            return true;
        var done = job.Pass.End(_describedNow);
        counters.Sync(job);
        return done;
    }
}
