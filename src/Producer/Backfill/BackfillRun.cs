using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Backfill;

/// <summary>Runs a job: lists, publishes and records answers at the same time, over as many connections as it takes.</summary>
/// <remarks>
/// <code>
/// source -> Scanner -> job file -> Feeder -> vl.requests        vl.results, vl.dead -> the job's queue -> AnswerTracker -> job file
/// </code>
/// Each part may die at any moment: what the others need is in the job file or at the broker.
/// </remarks>
internal sealed class BackfillRun(Terminal terminal, BrokerAddress address, JobFile job, BackfillSettings settings)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    /// <summary>A connection that lasted so long was a good one, even if nothing was published or answered meanwhile.</summary>
    private static readonly TimeSpan Steady = TimeSpan.FromMinutes(1);

    private readonly BackfillCounters _counters = new(job);
    private long _connected;
    private long? _trouble;
    private bool _worked;
    private bool _dropped;

    /// <summary>Runs to the end and returns the exit code.</summary>
    /// <param name="source">The job's source; stays the caller's.</param>
    /// <param name="cancellation">Stops in an orderly way: what is on its way is recorded.</param>
    public async Task<int> RunAsync(IItemSource source, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var scanner = new Scanner(job, source, _counters, settings.Patience, terminal);
        var scanning = Task.CompletedTask;
        var progress = new BackfillProgress(terminal, _counters).RunAsync(stop.Token);
        var started = terminal.Time.GetTimestamp();
        try
        {
            for (var again = true; again;)
            {
                await using var connection = await ConnectAsync(stop.Token);
                if (scanning.IsCompletedSuccessfully && !job.IsListed && job.Control != JobControl.Cancelled)
                    scanning = Task.Run(() => scanner.RunAsync(stop.Token), CancellationToken.None);
                again = !await SessionAsync(connection, scanning, stop.Token);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await scanning.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_dropped && job.Control == JobControl.Cancelled)
                await DropAsync(scanning);
            await progress.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await SumUpAsync(started);
        }

        return _counters.Faults > 0 ? ExitCode.Usage : settings.Wait && _counters.NotDescribed > 0 ? ExitCode.Rejected : ExitCode.Success;
    }

    /// <summary>Records the answers that wait in the job's queue, before a later pass begins to which they are none.</summary>
    public async Task TakeWaitingAsync(CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        var (channel, arrivals) = await JobQueue.TakeFromAsync(connection, job, terminal.Time, cancellation);
        await using var closing = channel;
        await new AnswerTracker(job, _counters, terminal.Time).TakeWaitingAsync(channel, arrivals, cancellation);
    }

    /// <summary>Works over one connection. True if the job is done, false if the connection was lost and is worth another.</summary>
    private async Task<bool> SessionAsync(IConnection connection, Task scanning, CancellationToken cancellation)
    {
        using var session = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var parts = new List<Task>();
        var (begun, progress) = (terminal.Time.GetTimestamp(), Progress());
        try
        {
            var (channel, arrivals) = await JobQueue.TakeFromAsync(connection, job, terminal.Time, cancellation);
            await using var closing = channel;
            if (job.Control == JobControl.Cancelled && !_dropped)
                await DropAsync(scanning);
            var feeding = _dropped
                ? Task.Delay(Timeout.InfiniteTimeSpan, terminal.Time, session.Token)
                : new Feeder(address, job, settings, _counters, terminal.Time).RunAsync(connection, session.Token);
            var tracking = new AnswerTracker(job, _counters, terminal.Time).RunAsync(channel, arrivals, session.Token);
            var leaving = LeaveAsync(scanning, session.Token);
            parts.AddRange([feeding, tracking, leaving]);
            var first = await Task.WhenAny([.. parts, Failed(scanning, session.Token)]);
            await first;
            await session.CancelAsync();
            await feeding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (first == leaving && job.Control == JobControl.Cancelled)
            {
                await DropAsync(scanning);
                return !settings.Wait;
            }

            if (first == tracking)
                await JobQueue.DeleteAsync(connection, job, CancellationToken.None);
            return true;
        }
        catch (Exception error) when (IsPassing(error) && !cancellation.IsCancellationRequested)
        {
            _connected = terminal.Time.GetTimestamp();
            var good = Progress() != progress || terminal.Time.GetElapsedTime(begun) > Steady;
            Judge(error, good);
            await SayAsync($"{Explain(error)}; connecting again");
            if (!good)
                await Task.Delay(RetryAfter, terminal.Time, cancellation);
            return false;
        }
        finally
        {
            await session.CancelAsync();
            await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Completes when there is nothing more to do for a run that does not wait: everything is published, or the job was cancelled.</summary>
    private async Task LeaveAsync(Task scanning, CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(250), terminal.Time, stop);
            if (job.Control == JobControl.Cancelled && (!_dropped || !settings.Wait))
                return;
            if (!settings.Wait && scanning.IsCompleted && job.IsListed && job.Items.Next(job.Watermark, 1).Count == 0)
                return;
        }
    }

    // A scan that ends well is no event: the rest goes on.
    private async Task Failed(Task scanning, CancellationToken stop)
    {
        await scanning;
        await Task.Delay(Timeout.InfiniteTimeSpan, terminal.Time, stop);
    }

    /// <summary>The job was cancelled: what is not published never will be. Nobody lists or publishes any more.</summary>
    private async Task DropAsync(Task scanning)
    {
        await scanning.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _dropped = true;
        var dropped = job.Cancellation.DropUnpublished();
        _counters.Sync(job);
        await SayAsync($"the job is cancelled: {dropped.ToString("N0", CultureInfo.InvariantCulture)} were not published");
    }

    private async Task<IConnection> ConnectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            IConnection? connection = null;
            try
            {
                connection = await BrokerConnection.OpenAsync(address, "backfill", cancellation);
                if (await TopologyCheck.RequestsAsync(connection, Topology.BackfillRoutingKey, cancellation) is { } warning && _connected == 0)
                    await SayAsync($"warning: {warning}");
                if (await JobQueue.EnsureAsync(connection, job, cancellation))
                {
                    _counters.Sync(job);
                    await SayAsync("the job's queue was gone: what has no answer is published again");
                }

                _connected = terminal.Time.GetTimestamp();
                return connection;
            }
            catch (Exception error)
            {
                if (connection is not null)
                    await connection.DisposeAsync();
                var late = _connected == 0 || terminal.Time.GetElapsedTime(_connected) >= settings.Patience;
                if (late || !IsPassing(error) || cancellation.IsCancellationRequested)
                    throw;
                await Task.Delay(RetryAfter, terminal.Time, cancellation);
            }
        }
    }

    private (long, long) Progress() => (_counters.PublishedNow, _counters.Now().Answered);

    /// <summary>Goes on failing what will not get better: a refusal before anything has worked, or one failure after the other for too long.</summary>
    /// <param name="error">What ended a connection.</param>
    /// <param name="good">Whether it had done anything before.</param>
    private void Judge(Exception error, bool good)
    {
        _worked |= good;
        _trouble = good ? null : _trouble ?? terminal.Time.GetTimestamp();
        var refusal = BrokerConnection.RefusalCode(error);
        if ((refusal is not null && !_worked) || (_trouble is { } since && terminal.Time.GetElapsedTime(since) > settings.Patience))
            throw new ProducerException(refusal ?? ExitCode.Broker, Explain(error), error);
    }

    // A question that the broker left open for too long is cancelled by the client.
    private static bool IsPassing(Exception error) => error
        is ProducerException { ExitCode: ExitCode.Broker } or RabbitMQClientException or OperationCanceledException or TimeoutException;

    private static string Explain(Exception error) => error is ProducerException ? error.Message : BrokerConnection.Explain(error);

    private async Task SumUpAsync(long started)
    {
        var now = _counters.Now();
        var seconds = terminal.Time.GetElapsedTime(started).TotalSeconds;
        await SayAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{now.PublishedNow:N0} published and confirmed in {seconds:0.0} s ({now.PublishedNow / Math.Max(seconds, 1e-3):N0}/s); "
            + $"of {now.Listed:N0} {now.Described:N0} described, {now.Rejected:N0} rejected, {now.Dead:N0} dead letters, {now.Unanswered:N0} without an answer"));
    }

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {Printing.Plain.Line(text)}");
}

/// <summary>How a job is run; it may be run otherwise the next time.</summary>
/// <param name="Rate">Requests a second at most, or null.</param>
/// <param name="MaxQueue">No request is published while the backfill queue holds so many.</param>
/// <param name="Window">Requests published whose confirms are not recorded, at most: what a killed process may publish twice.</param>
/// <param name="Wait">Whether to stay until everything is answered.</param>
/// <param name="Patience">How long to try to reach a broker or a store that went away.</param>
internal sealed record BackfillSettings(double? Rate, int MaxQueue, int Window, bool Wait, TimeSpan Patience);
