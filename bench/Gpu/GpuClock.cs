using System.Diagnostics;

namespace VlWorker.Bench.Gpu;

/// <summary>Times work with one batch in flight, or several.</summary>
internal static class GpuClock
{
    /// <summary>Milliseconds of each of some runs, one after the other, after one that does not count.</summary>
    public static List<double> Latency(Action run, int count)
    {
        run();
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var started = Stopwatch.GetTimestamp();
            run();
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        })];
    }

    /// <summary>Milliseconds a run with some in flight: the time from the first to the last of them over their number.</summary>
    public static double Throughput(Action run, int inFlight, int count)
    {
        var left = count;
        var started = 0L;
        using var ready = new Barrier(inFlight, _ => started = Stopwatch.GetTimestamp());
        var threads = Enumerable.Range(0, inFlight).Select(_ => new Thread(() =>
        {
            run();
            ready.SignalAndWait();
            while (Interlocked.Decrement(ref left) >= 0)
                run();
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds / count;
    }
}
