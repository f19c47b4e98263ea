namespace VlWorker.Buffers;

/// <summary>An asynchronous, first-come-first-served allowance of bytes. One request above the whole budget is granted alone.</summary>
/// <remarks>Prefetch counts messages; this counts what they weigh.</remarks>
internal sealed class MemoryBudget(long capacity)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private long _used;

    /// <summary>Bytes granted at the same time at most.</summary>
    public long Capacity { get; } = capacity > 0 ? capacity : throw new ArgumentOutOfRangeException(nameof(capacity));

    /// <summary>Bytes granted now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Waits for its turn. The caller owns the lease and disposes of it once the memory is free again.</summary>
    public async ValueTask<Lease> AcquireAsync(long bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var weight = Math.Min(bytes, Capacity);
        LinkedListNode<Waiter> node;
        lock (_gate)
        {
            if (_waiting.Count == 0 && _used + weight <= Capacity)
            {
                _used += weight;
                return new Lease(this, weight);
            }

            node = _waiting.AddLast(new Waiter(weight));
        }

        await using var registration = cancellation.UnsafeRegister((_, token) => Cancel(node, token), null);
        await node.Value.Granted.Task.ConfigureAwait(false);
        return new Lease(this, weight);
    }

    private void Cancel(LinkedListNode<Waiter> node, CancellationToken token)
    {
        lock (_gate)
        {
            if (node.List is null)
                return;
            _waiting.Remove(node);
            Grant();
        }

        node.Value.Granted.TrySetCanceled(token);
    }

    private void Release(long bytes)
    {
        if (bytes == 0)
            return;
        lock (_gate)
        {
            _used -= bytes;
            Grant();
        }
    }

    private void Grant()
    {
        while (_waiting.First is { } first && _used + first.Value.Bytes <= Capacity)
        {
            _waiting.RemoveFirst();
            _used += first.Value.Bytes;
            first.Value.Granted.SetResult();
        }
    }

    private sealed record Waiter(long Bytes)
    {
        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A grant. Not thread-safe: it has one owner.</summary>
    public sealed class Lease(MemoryBudget budget, long bytes) : IDisposable
    {
        private long _bytes = bytes;

        /// <summary>Gives back all but <paramref name="bytes"/>.</summary>
        public void Shrink(long bytes)
        {
            if (bytes >= _bytes)
                return;
            var surplus = _bytes - bytes;
            _bytes = bytes;
            budget.Release(surplus);
        }

        /// <summary>Moves up to <paramref name="bytes"/> of the grant to a lease of its own, with another owner; the sum stays the same.</summary>
        public Lease Split(long bytes)
        {
            var moved = Math.Min(bytes, _bytes);
            _bytes -= moved;
            return new Lease(budget, moved);
        }

        /// <inheritdoc/>
        public void Dispose() => Shrink(0);
    }
}
