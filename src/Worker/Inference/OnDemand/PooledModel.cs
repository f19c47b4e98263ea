namespace VlWorker.Inference.OnDemand;

/// <summary>A model that is loaded on demand, with its copies on all its devices: they come and go together. Guarded by the pool's lock.</summary>
/// <param name="copies">One a device, at least one.</param>
internal sealed class PooledModel(IReadOnlyList<OnDemandCopy> copies)
{
    /// <summary>Its alias.</summary>
    public string Alias { get; } = copies[0].Reference.Alias;

    /// <summary>Its copies.</summary>
    public IReadOnlyList<OnDemandCopy> Copies { get; } = copies;

    public Residency State { get; set; }

    /// <summary>Whether it takes nobody in any more, since others need its memory.</summary>
    public bool Draining { get; set; }

    /// <summary>Leases that are out: rows that wait for a batch or are in one.</summary>
    public int Uses { get; set; }

    /// <summary>Requests under way to it, that have no row yet.</summary>
    public int Expected { get; set; }

    /// <summary>Those that wait for it, oldest first.</summary>
    public LinkedList<ModelWaiter> Waiters { get; } = new();

    /// <summary>When it was loaded: a timestamp of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long LoadedAt { get; set; }

    /// <summary>When a lease was taken or given back last.</summary>
    public long LastUsed { get; set; }

    /// <summary>How long its last load took.</summary>
    public TimeSpan LoadTook { get; set; }

    /// <summary>Why its last load failed; null if it did not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Whether its memory counts.</summary>
    public bool Occupies => State != Residency.Unloaded;

    /// <summary>Memory that it takes on a device while it is loaded.</summary>
    public long BytesOn(string device) => Copies.Where(copy => copy.Device == device).Sum(copy => copy.Bytes);

    /// <summary>Lets those in who wait, if it is there and takes anybody.</summary>
    public void Admit(long now)
    {
        while (State == Residency.Loaded && !Draining && Waiters.First?.Value is { } waiter)
        {
            Waiters.RemoveFirst();
            if (waiter.Leases)
                Uses++;
            else
                Expected++;
            LastUsed = now;
            waiter.Grant();
        }
    }

    /// <summary>Takes back what <see cref="Admit"/> gave.</summary>
    public void Release(bool leased, long now)
    {
        if (leased)
            Uses--;
        else
            Expected--;
        LastUsed = now;
    }

    /// <summary>A load or an unload is over.</summary>
    /// <param name="state">Where it stands now.</param>
    /// <param name="failure">Why it failed; those who wait hear of it. Null if it did not.</param>
    /// <param name="started">When it began.</param>
    /// <param name="time">The clock.</param>
    public void Settle(Residency state, Exception? failure, long started, TimeProvider time)
    {
        (State, Draining, Failure) = (state, false, failure);
        LoadedAt = LastUsed = time.GetTimestamp();
        if (state == Residency.Loaded)
            LoadTook = time.GetElapsedTime(started);
        if (failure is not null)
            FailWaiters(failure);
    }

    /// <summary>Fails those who wait.</summary>
    public void FailWaiters(Exception error)
    {
        foreach (var waiter in Waiters)
            waiter.Fail(error);
        Waiters.Clear();
    }
}

/// <summary>Somebody who waits for a model.</summary>
/// <param name="since">When that began: a timestamp of <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="leases">Whether it is for a lease; else to hear that the model is there.</param>
internal sealed class ModelWaiter(long since, bool leases)
{
    private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Since { get; } = since;

    public bool Leases { get; } = leases;

    /// <summary>Completes when the model is there; a lease is then counted already.</summary>
    public Task Granted => _granted.Task;

    public void Grant() => _granted.TrySetResult();

    public void Fail(Exception error) => _granted.TrySetException(error);
}
