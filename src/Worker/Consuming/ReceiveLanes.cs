using MassTransit;
using VlWorker.Contracts;

namespace VlWorker.Consuming;

/// <summary>The lanes' receive endpoints: connected while messages are taken, really cancelled at the broker while they are not.</summary>
internal sealed class ReceiveLanes(
    ITransport transport,
    ConsumingOptions options,
    IConsumer<DescribeImage> images,
    IConsumer<DescribeText> texts,
    TimeProvider time,
    ILogger<ReceiveLanes> logger) : IDisposable
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private readonly List<HostReceiveEndpointHandle> _open = [];
    private readonly List<Task> _draining = [];
    private readonly CancellationTokenSource _giveUp = new();

    /// <inheritdoc cref="ITransport.Problem"/>
    public string? Problem => transport.Problem;

    /// <summary>Starts to take messages of every lane, and waits a while for the broker to agree.</summary>
    /// <exception cref="Failures.DependencyException">The broker is not to be had.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await transport.StartAsync(cancellation);
        Task[] ready;
        lock (_gate)
        {
            if (_open.Count == 0)
                _open.AddRange(options.Lanes().Select(lane => transport.Connect(lane, endpoint => Configure(endpoint, lane))));
            ready = [.. _open.Select(handle => handle.Ready)];
        }

        try
        {
            await Task.WhenAll(ready).WaitAsync(ReadyWithin, time, cancellation);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The endpoints go on trying by themselves; readiness says why it takes so long.
            Log.LanesNotReady(logger, error);
        }
    }

    /// <summary>Tells the broker to send no more; what is in hand goes on, and its acks still reach the broker.</summary>
    public void Close()
    {
        // In-memory endpoints drop what reaches them while they stop, and there is no broker to keep it: consumers hold what they have instead.
        if (transport.TakesMessagesBack)
            BeginStop();
    }

    /// <summary>Stops taking messages and waits until all in hand are settled.</summary>
    /// <param name="cancellation">Gives up: what is still in hand then is cancelled and stays unacknowledged.</param>
    public async Task StopAsync(CancellationToken cancellation)
    {
        BeginStop();
        await using var registration = cancellation.UnsafeRegister(_ => _giveUp.Cancel(), null);
        Task[] draining;
        lock (_gate)
            draining = [.. _draining];
        await Task.WhenAll(draining);
    }

    /// <inheritdoc/>
    public void Dispose() => _giveUp.Dispose();

    private void BeginStop()
    {
        lock (_gate)
        {
            _draining.RemoveAll(task => task.IsCompleted);
            foreach (var handle in _open)
                _draining.Add(StopAsync(handle));
            _open.Clear();
        }
    }

    private async Task StopAsync(HostReceiveEndpointHandle handle)
    {
        try
        {
            await Task.Yield();
            await handle.StopAsync(_giveUp.Token);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The connection was lost while stopping: the broker has its messages back already.
            Log.LaneStopFailed(logger, error);
        }
    }

    private void Configure(IReceiveEndpointConfigurator endpoint, Lane lane)
    {
        endpoint.ConfigureConsumeTopology = false;
        endpoint.PublishFaults = false;
        endpoint.PrefetchCount = lane.Prefetch;
        endpoint.ConcurrentMessageLimit = lane.Prefetch;
        var json = new RequestDeserializer(lane);
        endpoint.ClearSerialization();
        endpoint.AddSerializer(json);
        endpoint.AddDeserializer(json, isDefault: true);

        // Without these two MassTransit would move messages to queues of its own. What reaches them goes back to the queue.
        endpoint.ConfigureError(pipe => pipe.UseFilter(new GiveBackFilter(time)));
        endpoint.ConfigureDeadLetter(pipe => pipe.UseFilter(new GiveBackFilter(time)));
        if (lane.Kind == LaneKind.Text)
            endpoint.Instance(texts);
        else
            endpoint.Instance(images);
    }
}
