using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Publishes a job's items in the order of their numbers and records how far the broker has confirmed them.</summary>
/// <remarks>
/// <code>
/// job file (pending, after the cursor) -> control? -> queue's depth -> rate -> window -> channel
///                 watermark &lt;- confirmed without a gap &lt;- confirms
/// </code>
/// It publishes over a connection of its own: a broker that is short of memory stops reading from those that publish, and acknowledgements and
/// questions would stand behind what it does not read.
/// </remarks>
internal sealed class Feeder(BrokerAddress address, JobFile job, BackfillSettings settings, BackfillCounters counters, TimeProvider time)
{
    private const int Batch = 500;
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ControlEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastConfirms = TimeSpan.FromSeconds(10);

    private readonly RequestComposer _composer = new(job.Settings, time);
    private readonly ConfirmWindow _window = new(settings.Window);
    private readonly Pace _pace = new(settings.Rate, time);
    private JobControl _control = job.Control;

    /// <summary>Where this feeder left the watermark; null while what is in the window was sent before somebody made items wait again.</summary>
    private long? _watermark = job.Watermark;
    private bool _isMarked;
    private long _controlRead = time.GetTimestamp();

    /// <summary>Publishes until it is stopped, then waits for what is on its way.</summary>
    /// <param name="connection">For questions; nothing is published over it.</param>
    /// <param name="stop">Stops it.</param>
    /// <exception cref="ProducerException">The broker is gone, or a request came back. What was confirmed before is recorded.</exception>
    public async Task RunAsync(IConnection connection, CancellationToken stop)
    {
        var options = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false);
        await using var publishing = await BrokerConnection.OpenAsync(address, "backfill publisher", stop);
        await using var channel = await publishing.CreateChannelAsync(options, stop);
        await using var asking = await connection.CreateChannelAsync(cancellationToken: stop);
        Listen(channel);
        try
        {
            await FeedAsync(channel, new QueueDepth(asking, settings.MaxQueue, () => _window.Unconfirmed, time), stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await DrainAsync();
        }
        catch (Exception error) when (error is RabbitMQClientException or IOException or ObjectDisposedException or TimeoutException or OperationCanceledException)
        {
            throw new ProducerException(ExitCode.Broker, $"the connection to the broker was lost: {BrokerConnection.Explain(error)}", error);
        }
        finally
        {
            Record(evenAfterFailure: true);
        }
    }

    private void Listen(IChannel channel)
    {
        channel.BasicAcksAsync += (_, ack) => Done(() => _window.Confirm(ack.DeliveryTag, ack.Multiple));
        channel.BasicNacksAsync += (_, nack) => Done(() => _window.Refuse(nack.DeliveryTag, nack.Multiple));
        channel.BasicReturnAsync += (_, back) => Done(() => _window.Fail(TopologyCheck.Missing(
            $"no queue is bound to the exchange '{Topology.RequestsExchange}' for '{back.RoutingKey}', so request {back.BasicProperties.MessageId} came back")));
        channel.ChannelShutdownAsync += (_, reason) => Done(() => _window.Fail(
            new ProducerException(ExitCode.Broker, $"the connection to the broker was lost: {reason.ReplyText}", new OperationInterruptedException(reason))));

        static Task Done(Action action)
        {
            action();
            return Task.CompletedTask;
        }
    }

    private async Task FeedAsync(IChannel channel, QueueDepth depth, CancellationToken stop)
    {
        var cursor = _watermark ?? 0;
        while (true)
        {
            await ResendAsync(channel, stop);
            var batch = MayFeed() ? job.Items.Next(cursor, Batch) : [];
            foreach (var item in batch)
            {
                if (!MayFeed())
                    break;
                await depth.TakeAsync(stop);
                await _pace.WaitAsync(stop);
                await RoomAsync(channel, stop);
                Mark();
                _window.Begin(item);
                await SendAsync(channel, item);
                cursor = item.Id;
            }

            if (batch.Count > 0)
                continue;
            await _window.WaitAsync(Idle, time, stop);
            Record();

            // A watermark behind the cursor says that items wait again.
            if (_window.IsEmpty)
                _watermark = cursor = job.Watermark;
        }
    }

    private void Mark()
    {
        if (!_isMarked)
            job.Cancellation.MarkPublishing();
        _isMarked = true;
    }

    private async Task RoomAsync(IChannel channel, CancellationToken stop)
    {
        if (_window.Confirmed().Count >= settings.Window / 4)
            Record();
        while (_window.IsFull)
        {
            Record();
            if (!_window.IsFull)
                return;
            await ResendAsync(channel, stop);
            await _window.WaitAsync(Idle, time, stop);
        }
    }

    // The queue is full: a policy limits it. The items stay in the window, so nothing behind them is recorded as done.
    private async Task ResendAsync(IChannel channel, CancellationToken stop)
    {
        for (var first = true; _window.TakeRefused() is { } item; first = false)
        {
            counters.Refused();
            if (first)
                await Task.Delay(RefusedPause, time, CancellationToken.None);
            await SendAsync(channel, item);
        }

        stop.ThrowIfCancellationRequested();
    }

    private async Task SendAsync(IChannel channel, JobItem item) => await channel.BasicPublishAsync(
        Topology.RequestsExchange, Topology.BackfillRoutingKey, mandatory: true, _composer.Properties(item), _composer.Body(item), CancellationToken.None);

    private void Record(bool evenAfterFailure = false)
    {
        var (count, last) = _window.Confirmed(evenAfterFailure);
        if (count == 0)
            return;
        if (_watermark is { } known)
            _watermark = job.Advance(known, last) ? last : null;
        _window.Release(count);
        counters.Published(count);
    }

    private async Task DrainAsync()
    {
        var started = time.GetTimestamp();
        while (!_window.IsEmpty && time.GetElapsedTime(started) < LastConfirms)
        {
            await _window.WaitAsync(Idle, time, CancellationToken.None);
            Record();
        }
    }

    private bool MayFeed()
    {
        if (time.GetElapsedTime(_controlRead) > ControlEvery)
        {
            _control = job.Control;
            _controlRead = time.GetTimestamp();
        }

        // A later pass finds changes anywhere, so it is listed to the end before anything is published.
        return _control == JobControl.Run && (!job.IsComparing || job.IsListed);
    }
}
