namespace VlWorker.Journal;

/// <summary>Many may work at the same time, or one alone. Who wants to be alone goes first, those that have killed fewest processes before the others.</summary>
internal sealed class SoloGate
{
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _crowd = new();
    private readonly PriorityQueue<TaskCompletionSource, (int Deaths, long Order)> _solos = new();
    private int _sharing;
    private bool _solo;
    private long _order;

    /// <summary>Waits for a turn. Whoever got one gives it back with <see cref="Leave"/>.</summary>
    /// <param name="solo">Whether to be alone.</param>
    /// <param name="deaths">Of those who want to be alone, the fewer the sooner.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task EnterAsync(bool solo, int deaths, CancellationToken cancellation)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (solo)
                _solos.Enqueue(turn, (deaths, _order++));
            else
                _crowd.Enqueue(turn);
            LetIn();
        }

        await using var registration = cancellation.UnsafeRegister(static (waiting, token) => ((TaskCompletionSource)waiting!).TrySetCanceled(token), turn);
        try
        {
            await turn.Task;
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
                LetIn();
            throw;
        }
    }

    /// <summary>Gives a turn back.</summary>
    public void Leave(bool solo)
    {
        lock (_gate)
        {
            if (solo)
                _solo = false;
            else
                _sharing--;
            LetIn();
        }
    }

    /// <summary>Turns that were given up meanwhile are passed over.</summary>
    private void LetIn()
    {
        while (_solos.TryPeek(out var given, out _) && given.Task.IsCompleted)
            _solos.Dequeue();
        while (!_solo && _sharing == 0 && _solos.TryDequeue(out var solo, out _))
            _solo = solo.TrySetResult();
        while (!_solo && _solos.Count == 0 && _crowd.TryDequeue(out var one))
        {
            if (one.TrySetResult())
                _sharing++;
        }
    }
}
