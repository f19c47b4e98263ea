using RabbitMQ.Client;
using VlWorker.Contracts;

namespace VlWorker.Producer.Backfill;

/// <summary>Keeps the backfill queue from growing beyond a length: what it may still take is counted down, and asked for anew at zero.</summary>
/// <param name="channel">A channel of its own.</param>
/// <param name="limit">Messages that wait for a worker, at most.</param>
/// <param name="onTheirWay">Messages sent that the queue may not hold yet.</param>
/// <param name="time">The clock.</param>
internal sealed class QueueDepth(IChannel channel, int limit, Func<int> onTheirWay, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private long _room;

    /// <summary>Returns when one more may be published.</summary>
    public async ValueTask TakeAsync(CancellationToken cancellation)
    {
        while (_room == 0)
        {
            // Asked for first: what arrives in between is counted twice, never not at all.
            var sent = onTheirWay();
            var state = await channel.QueueDeclarePassiveAsync(Topology.BackfillQueue, cancellation);
            _room = Math.Max(0, limit - state.MessageCount - sent);
            if (_room == 0)
                await Task.Delay(Pause, time, cancellation);
        }

        _room--;
    }
}
