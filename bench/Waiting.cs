using System.Diagnostics;

namespace VlWorker.Bench;

/// <summary>Waits for what nobody announces: a count at the broker, a line in another process's log.</summary>
internal static class Waiting
{
    /// <summary>Asks at once, and then again and again, until it holds.</summary>
    /// <param name="condition">What is waited for. It may throw what ends the waiting.</param>
    /// <param name="every">The pause between two questions.</param>
    /// <param name="patience">How long it may take; null: as long as it wants.</param>
    /// <returns>Whether it came to hold.</returns>
    public static async Task<bool> UntilAsync(Func<Task<bool>> condition, TimeSpan every, TimeSpan? patience = null)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(every);
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) >= patience)
                return false;
            await timer.WaitForNextTickAsync();
        }

        return true;
    }
}
