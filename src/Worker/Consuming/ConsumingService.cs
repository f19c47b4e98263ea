using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Consuming as a whole: starts it, keeps it in step with the gate, and stops it in order.</summary>
/// <remarks>
/// Start: the bus, then the topology, then the lanes. A broker or a store that is not there yet closes the gate and is waited for;
/// queues that are declared otherwise are an error, for waiting would not help.
/// Stop returns once no message is in hand any more: every one is acknowledged, or, after the grace period, left to the broker.
/// Only then may the batcher and the models behind it go.
/// </remarks>
internal sealed class ConsumingService(
    ITransport transport,
    IObjectStore store,
    ModelRegistry models,
    ConsumptionGate gate,
    ReceiveLanes lanes,
    ResultSender results,
    BrokerOptions broker,
    ConsumingOptions options,
    TimeProvider time,
    ILoggerFactory loggers,
    ControlReader? control = null) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILogger _logger = loggers.CreateLogger<ConsumingService>();
    private Task _keeping = Task.CompletedTask;

    /// <summary>Why the worker takes no messages at the moment, for /health/ready; null while it does.</summary>
    public string? NotReady => _stopping.IsCancellationRequested ? "stopping" : gate.State.Reason ?? transport.Problem;

    /// <inheritdoc/>
    /// <exception cref="TopologyException">Something on the broker is declared otherwise.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var probes = new Dictionary<Dependency, Func<CancellationToken, Task>>
        {
            [Dependency.Results] = token => results.ProbeAsync(transport.Publisher, token),
            [Dependency.Store] = store.ProbeAsync,
            [Dependency.Models] = models.ProbeAsync,
        };
        foreach (var probe in probes.Values)
            await TryAsync(() => probe(cancellationToken));
        if (control is not null)
            await control.StartAsync(cancellationToken);

        // In memory the lanes open even without a store: what is published before they exist would be gone.
        if (gate.State.IsOpen || !transport.TakesMessagesBack)
            await TryAsync(() => lanes.OpenAsync(cancellationToken));
        var keeper = new GateKeeper(gate, lanes, probes, options, time, loggers.CreateLogger<GateKeeper>());
        _keeping = Task.Run(() => keeper.RunAsync(_stopping.Token), CancellationToken.None);
        Log.Started(_logger, broker.Address, string.Join(", ", options.Lanes().Select(lane => $"{lane.Name} ({lane.Prefetch})")));
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Log.Stopping(_logger, options.GracePeriod.TotalSeconds);
        await _stopping.CancelAsync();
        await _keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var grace = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        grace.CancelAfter(options.GracePeriod);
        await lanes.StopAsync(grace.Token);
        if (control is not null)
            await control.DisposeAsync();
        if (grace.IsCancellationRequested)
            Log.GaveUp(_logger);
        else
            Log.Drained(_logger);

        // Nothing is in hand: what is left is to close the connection.
        using var close = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await transport.StopAsync(close.Token);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private async Task TryAsync(Func<Task> start)
    {
        try
        {
            await start();
        }
        catch (DependencyException error)
        {
            gate.Close(error);
        }
    }
}
