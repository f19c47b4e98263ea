namespace VlWorker.Decoding;

/// <summary>Who may decode: so many at a time. Of those who wait the urgent go first, and every fourth slot is for the others.</summary>
/// <remarks>Backfill comes by whole batches. An image that somebody waits for would wait behind all of them.</remarks>
internal sealed class DecoderSlots(int count)
{
    /// <summary>Urgent ones between two others, where both wait.</summary>
    private const int UrgentToOther = 3;

    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _urgent = new();
    private readonly LinkedList<TaskCompletionSource> _others = new();
    private int _free = count;

    /// <summary>Urgent ones that were let in since the last of the others.</summary>
    private int _passed;

    /// <summary>Waits for a slot. Whoever got one gives it back by <see cref="Release"/>.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while it waited: it has none.</exception>
    public async Task AcquireAsync(bool urgent, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var node = new LinkedListNode<TaskCompletionSource>(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            (urgent ? _urgent : _others).AddLast(node);
            Grant();
        }

        await using var registration = cancellation.UnsafeRegister((_, token) => Cancel(node, token), null);
        await node.Value.Task.ConfigureAwait(false);
    }

    /// <summary>Gives a slot back.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _free++;
            Grant();
        }
    }

    private void Cancel(LinkedListNode<TaskCompletionSource> node, CancellationToken token)
    {
        lock (_gate)
        {
            if (node.List is null)
                return;
            node.List.Remove(node);
        }

        node.Value.SetCanceled(token);
    }

    private void Grant()
    {
        while (_free > 0 && Next() is { } next)
        {
            _passed = next.List == _urgent ? _passed + 1 : 0;
            next.List!.Remove(next);
            _free--;
            next.Value.SetResult();
        }
    }

    private LinkedListNode<TaskCompletionSource>? Next() =>
        _urgent.First is { } urgent && (_passed < UrgentToOther || _others.First is null) ? urgent : _others.First;
}
