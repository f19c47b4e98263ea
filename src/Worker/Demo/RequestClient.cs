using System.Collections.Concurrent;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Demo;

/// <summary>An answer: the message as it was published, and what it says.</summary>
internal sealed record Reply(byte[] Body, Answer Answer);

/// <summary>A request got neither a result nor a rejection.</summary>
/// <param name="reason">A word.</param>
/// <param name="detail">What exactly.</param>
internal sealed class NoAnswerException(string reason, string detail) : Exception(detail)
{
    public string Reason { get; } = reason;
}

/// <summary>Publishes requests to the requests exchange and waits for their answers on the results exchange, as any producer would.</summary>
internal sealed class RequestClient : IAsyncDisposable
{
    /// <summary>How long the worker may take no messages before the client gives up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<Reply>> _waiting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IAsyncDisposable> _subscriptions = [];
    private readonly InMemoryTransport _transport;
    private readonly ConsumptionGate _gate;
    private readonly TimeProvider _time;
    private volatile NoAnswerException? _over;
    private Task _watching = Task.CompletedTask;

    private RequestClient(InMemoryTransport transport, ConsumptionGate gate, TimeProvider time)
    {
        _transport = transport;
        _gate = gate;
        _time = time;
    }

    /// <summary>Subscribes to results and dead letters.</summary>
    /// <param name="transport">The worker's.</param>
    /// <param name="gate">The worker's.</param>
    /// <param name="results">Routing keys of the results that are this client's, as a pattern.</param>
    /// <param name="time">Clock of the client's patience.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<RequestClient> ConnectAsync(
        InMemoryTransport transport, ConsumptionGate gate, string results, TimeProvider time, CancellationToken cancellation)
    {
        var client = new RequestClient(transport, gate, time);
        client._subscriptions.Add(await transport.SubscribeAsync(Topology.ResultsExchange, client.OnResultAsync, results, cancellation));
        client._subscriptions.Add(await transport.SubscribeAsync(Topology.DeadExchange, client.OnDeadLetterAsync, cancellation: cancellation));
        client._watching = client.WatchAsync(client._stopping.Token);
        return client;
    }

    /// <summary>Publishes a request and waits for its answer. Callers limit how many are under way: the transport does not.</summary>
    /// <param name="id">The request's id, unique in this client.</param>
    /// <param name="routingKey">The lane.</param>
    /// <param name="body">The request.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="NoAnswerException">There will be none.</exception>
    public async Task<Reply> AskAsync(string id, string routingKey, byte[] body, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<Reply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        if (_over is { } over)
            answer.TrySetException(over);
        var properties = new MessageProperties { MessageId = id, ContentType = "application/json" };
        try
        {
            await _transport.Publisher.PublishAsync(Topology.RequestsExchange, routingKey, body, properties, mandatory: true, cancellation);
            return await answer.Task.WaitAsync(cancellation);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var subscription in _subscriptions)
            await subscription.DisposeAsync();
        _stopping.Dispose();
    }

    private Task OnResultAsync(string routingKey, MessageProperties properties, byte[] body)
    {
        var answer = Answer.Read(body);
        if (_waiting.TryGetValue(answer.Id, out var waiting))
            waiting.TrySetResult(new Reply(body, answer));
        return Task.CompletedTask;
    }

    private Task OnDeadLetterAsync(string routingKey, MessageProperties properties, byte[] body)
    {
        if (properties.MessageId is { } id && _waiting.TryGetValue(id, out var waiting))
        {
            waiting.TrySetException(new NoAnswerException(
                properties.Text(Topology.DeadReasonHeader) ?? "dead-letter", properties.Text(Topology.DeadErrorHeader) ?? "no error was given"));
        }

        return Task.CompletedTask;
    }

    /// <summary>A worker that lacks a dependency waits for it for ever; somebody in front of a terminal does not.</summary>
    private async Task WatchAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _gate.WhenClosedAsync(cancellation);
            var reason = _gate.State.Reason ?? "unknown";
            try
            {
                await _gate.WhenOpenAsync(cancellation).WaitAsync(Patience, _time, cancellation);
            }
            catch (TimeoutException)
            {
                _over = new NoAnswerException("worker-stopped", $"the worker takes no messages: {_gate.State.Reason ?? reason}");
                foreach (var waiting in _waiting.Values)
                    waiting.TrySetException(_over);
                return;
            }
        }
    }
}
