namespace VlWorker.Fetching;

/// <summary>The pauses between the attempts at one object: doubled each time, with jitter, bounded in number and in time.</summary>
internal sealed class Backoff(FetchingOptions options, TimeProvider time)
{
    private long _firstFailure;

    /// <summary>The attempt that is under way, from 1.</summary>
    public int Attempt { get; private set; } = 1;

    /// <summary>To be called after a failed attempt. Waits for the next one's time.</summary>
    /// <returns>False if there is to be none.</returns>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        if (Attempt == 1)
            _firstFailure = time.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(options.RetryDelayMs * Math.Pow(2, Attempt - 1) * (0.5 + (Random.Shared.NextDouble() / 2)));
        if (Attempt >= options.Attempts || time.GetElapsedTime(_firstFailure) + pause > TimeSpan.FromMilliseconds(options.RetryForMs))
            return false;
        await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
        Attempt++;
        return true;
    }
}
