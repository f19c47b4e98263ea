namespace VlWorker.ModelKit.Downloads;

/// <summary>The pauses between the attempts at one thing: doubled each time, with jitter, or as long as the server asks for.</summary>
internal sealed class RetryPause(PullOptions options, TimeProvider time)
{
    private int _failures;

    /// <summary>Something was gained: failures are counted anew.</summary>
    public void Progress() => _failures = 0;

    /// <summary>To be called after a failed attempt; waits for the next one's time.</summary>
    /// <param name="what">What was attempted.</param>
    /// <param name="fault">How it failed.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="PullException">There is to be no further one.</exception>
    public async Task WaitAsync(string what, AttemptException fault, CancellationToken cancellation)
    {
        if (++_failures >= options.Attempts)
            throw new PullException($"{what}: given up after {_failures} attempts: {fault.Message}", fault);
        var pause = options.RetryDelay * Math.Pow(2, _failures - 1) * (0.5 + (Random.Shared.NextDouble() / 2));
        if (fault.After is { } asked && asked > pause)
            pause = asked;
        await Task.Delay(pause < options.LongestDelay ? pause : options.LongestDelay, time, cancellation).ConfigureAwait(false);
    }
}
