using System.Diagnostics;

namespace VlWorker.Bench.Batching;

/// <summary>Keeps to a plan of moments.</summary>
internal static class Clock
{
    /// <summary>Returns at a moment, at once if that has passed: what is late is not made up for by dropping.</summary>
    public static async Task UntilAsync(Stopwatch clock, double milliseconds)
    {
        for (double left; (left = milliseconds - clock.Elapsed.TotalMilliseconds) > 0;)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left)));
    }
}
