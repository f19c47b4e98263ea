using VlWorker.Failures;

namespace VlWorker.Consuming;

/// <summary>Open while everything that the worker depends on works. Anyone may close it; only <see cref="GateKeeper"/> opens it again.</summary>
internal sealed class ConsumptionGate(TimeProvider time, ILogger<ConsumptionGate> logger)
{
    private readonly Lock _gate = new();
    private volatile GateState _state = new(new Dictionary<Dependency, string>(), time.GetUtcNow());
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>The state of this moment.</summary>
    public GateState State => _state;

    /// <summary>Closes the gate, or adds to why it is closed. Logged once per change.</summary>
    public void Close(DependencyException error) => Close(error.Dependency, error.Message);

    /// <inheritdoc cref="Close(DependencyException)"/>
    public void Close(Dependency dependency, string detail)
    {
        lock (_gate)
        {
            if (_state.Failures.GetValueOrDefault(dependency) == detail)
                return;
            var since = _state.IsOpen ? time.GetUtcNow() : _state.Since;
            _state = new GateState(new Dictionary<Dependency, string>(_state.Failures) { [dependency] = detail }, since);
            Log.GateClosed(logger, dependency, detail);
            Announce();
        }
    }

    /// <summary>Opens the gate.</summary>
    public void Open()
    {
        lock (_gate)
        {
            if (_state.IsOpen)
                return;
            var closedFor = time.GetUtcNow() - _state.Since;
            _state = new GateState(new Dictionary<Dependency, string>(), time.GetUtcNow());
            Log.GateOpened(logger, closedFor.TotalSeconds);
            Announce();
        }
    }

    /// <summary>Returns once the gate is open.</summary>
    public Task WhenOpenAsync(CancellationToken cancellation) => WhenAsync(open: true, cancellation);

    /// <summary>Returns once the gate is closed.</summary>
    public Task WhenClosedAsync(CancellationToken cancellation) => WhenAsync(open: false, cancellation);

    private async Task WhenAsync(bool open, CancellationToken cancellation)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_state.IsOpen == open)
                    return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellation);
        }
    }

    private void Announce()
    {
        var signal = _changed;
        _changed = NewSignal();
        signal.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
