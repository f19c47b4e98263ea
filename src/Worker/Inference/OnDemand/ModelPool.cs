using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Telemetry;

namespace VlWorker.Inference.OnDemand;

/// <summary>The models that are loaded on demand: loads them for those who wait, unloads them when others need the memory or nobody needs them.</summary>
/// <remarks>
/// <code>
/// request -> AcquireAsync: loaded? a lease : wait -> Step: ModelTurns says what comes next -> one load or unload at a time, on a thread of its own
/// row's outcome known -> lease given back -> Step
/// </code>
/// A model with leases is never unloaded. A lease is held while a row's outcome is awaited, and waits for nothing but the device: so all leases come
/// back, whatever budgets of bytes and pixels others wait for. A batch whose rows are all answered and that still runs keeps the model by a lock.
/// </remarks>
internal sealed class ModelPool : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IReadOnlyList<PooledModel> _models;
    private readonly ModelTurns _turns;
    private readonly ModelSwap _swap;
    private readonly TimeSpan _wait;
    private readonly ModelMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private Task _working = Task.CompletedTask;
    private bool _isWorking;
    private bool _closed;

    /// <summary>A pool of models, none of which is loaded. The copies stay their owner's.</summary>
    public ModelPool(IReadOnlyList<PooledModel> models, InferenceOptions options, ModelRoom room, WorkerMetrics metrics, TimeProvider time, ILogger logger)
    {
        (_models, _wait, _metrics, _time) = (models, options.ModelWait, metrics.Models, time);
        _turns = new ModelTurns(options, room, time);
        _swap = new ModelSwap(metrics, time, logger);
        _timer = time.CreateTimer(static state => ((ModelPool)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var model in models)
        {
            _metrics.Announce(model.Alias);
            foreach (var copy in model.Copies)
                _metrics.Unloaded(model.Alias, copy.Device);
        }
    }

    /// <summary>The model of that alias; null if it is none of the pool's.</summary>
    public PooledModel? Find(string alias) => _models.FirstOrDefault(model => model.Alias == alias);

    /// <summary>Waits until a model is there, and keeps it there for a row.</summary>
    /// <exception cref="RejectedException">The deadline passed meanwhile (expired).</exception>
    /// <exception cref="TransientException">It took too long, or there was no memory for it.</exception>
    /// <exception cref="DependencyException">It can't be loaded, or the worker is stopping.</exception>
    public Task<ModelLease> AcquireAsync(PooledModel model, DateTimeOffset? deadline, CancellationToken cancellation) =>
        WaitAsync(model, leases: true, deadline, cancellation);

    /// <summary>Waits until a model is there. What is returned says that a row is to come, and keeps the model from going for want of work.</summary>
    /// <inheritdoc cref="AcquireAsync"/>
    public Task<ModelLease> ExpectAsync(PooledModel model, DateTimeOffset? deadline, CancellationToken cancellation) =>
        WaitAsync(model, leases: false, deadline, cancellation);

    /// <summary>Tries again what could not be loaded.</summary>
    /// <exception cref="DependencyException">It still can't.</exception>
    public async Task ProbeAsync(CancellationToken cancellation)
    {
        foreach (var model in _models.Where(static model => model.Failure is not null))
        {
            using var lease = await AcquireAsync(model, null, cancellation);
        }
    }

    /// <summary>Where a model stands.</summary>
    public Residency StateOf(PooledModel model)
    {
        lock (_gate)
            return model.State;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var model in _models)
                model.FailWaiters(Stopping());
        }

        _working.Wait();
        _timer.Dispose();
    }

    private async Task<ModelLease> WaitAsync(PooledModel model, bool leases, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        var waiter = new ModelWaiter(_time.GetTimestamp(), leases);
        lock (_gate)
        {
            if (_closed)
                throw Stopping();
            model.Waiters.AddLast(waiter);
            Step();
        }

        if (!waiter.Granted.IsCompletedSuccessfully)
            await AwaitAsync(model, waiter, deadline, cancellation).ConfigureAwait(false);
        return new ModelLease(() => GiveBack(model, leases));
    }

    private async Task AwaitAsync(PooledModel model, ModelWaiter waiter, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        _metrics.Waiting(model.Alias);
        try
        {
            await waiter.Granted.WaitAsync(Limit(deadline), _time, cancellation).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Withdraw(model, waiter);
            if (error is TimeoutException)
                throw TooLong(model, deadline);
            throw;
        }
        finally
        {
            _metrics.Waited(model.Alias, _time.GetElapsedTime(waiter.Since));
        }
    }

    private TimeSpan Limit(DateTimeOffset? deadline)
    {
        var left = (deadline - _time.GetUtcNow()) ?? _wait;
        left = left < _wait ? left : _wait;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private Exception TooLong(PooledModel model, DateTimeOffset? deadline) => deadline <= _time.GetUtcNow()
        ? new RejectedException(RejectionReason.Expired, $"the deadline passed while the request waited for model '{model.Alias}' to be loaded")
        : new TransientException($"model '{model.Alias}' was not loaded within {_wait.TotalSeconds:0.#} s");

    private void Withdraw(PooledModel model, ModelWaiter waiter)
    {
        lock (_gate)
        {
            if (model.Waiters.Remove(waiter))
                Step();
            else if (waiter.Granted.IsCompletedSuccessfully)
                GiveBack(model, waiter.Leases);
        }
    }

    private void GiveBack(PooledModel model, bool leased)
    {
        lock (_gate)
        {
            model.Release(leased, _time.GetTimestamp());
            Step();
        }
    }

    private void OnTimer()
    {
        lock (_gate)
            Step();
    }

    /// <summary>Lets in who may come in, then begins what comes next, unless something is going on.</summary>
    private void Step()
    {
        Admit();
        if (_isWorking || _closed)
            return;
        var step = _turns.Next(_models, _time.GetTimestamp());
        Admit();
        if (step.Load is { } wanted)
            Begin(wanted, Residency.Loading, Residency.Loaded, () => Load(wanted));
        else if (step.Unload is { } leaving)
            Begin(leaving, Residency.Unloading, Residency.Unloaded, () => _swap.Unload(leaving, step.Reason!));
        // Timers count whole milliseconds: round up, or one would fire just too early and spin.
        var wait = step.Wait is { } left && !_isWorking ? TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)) : Timeout.InfiniteTimeSpan;
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Admit()
    {
        var now = _time.GetTimestamp();
        foreach (var model in _models)
            model.Admit(now);
    }

    private void Begin(PooledModel model, Residency during, Residency after, Action work)
    {
        model.State = during;
        _isWorking = true;
        _working = Task.Factory.StartNew(() => Work(model, after, work), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void Work(PooledModel model, Residency after, Action work)
    {
        Exception? failure = null;
        var started = _time.GetTimestamp();
        try
        {
            work();
        }
        catch (Exception error)
        {
            failure = LoadFailure.Of(model.Alias, error);
        }

        lock (_gate)
        {
            model.Settle(failure is null ? after : Residency.Unloaded, failure, started, _time);
            _isWorking = false;
            Step();
        }
    }

    /// <summary>Where there is no memory, what nobody uses makes room, once.</summary>
    private void Load(PooledModel model)
    {
        try
        {
            _swap.Load(model);
        }
        catch (Exception error) when (LoadFailure.IsMemory(error) && TakeIdle() is { Count: > 0 } idle)
        {
            foreach (var other in idle)
            {
                _swap.Unload(other, ModelMetrics.Memory);
                lock (_gate)
                    other.State = Residency.Unloaded;
            }

            _swap.Load(model);
        }
    }

    private List<PooledModel> TakeIdle()
    {
        lock (_gate)
        {
            var idle = _models.Where(static model => model is { State: Residency.Loaded, Uses: 0 }).ToList();
            idle.ForEach(static model => model.State = Residency.Unloading);
            return idle;
        }
    }

    private static DependencyException Stopping() => new(Dependency.Device, "the worker is stopping");
}
