using System.Diagnostics;

namespace VlWorker.Integration.Infrastructure;

/// <summary>Waits for a condition in place of sleeping; a condition that never comes true fails with what was last seen.</summary>
public static class Eventually
{
    /// <summary>How long a condition may take unless a test says otherwise: on a machine that is busy with other things, too.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until the value is accepted and returns it. An exception counts as not yet.</summary>
    /// <param name="what">What is waited for, for the message of the failure.</param>
    /// <exception cref="TimeoutException">It was not accepted in time; the message has the last value or error.</exception>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T>> probe, Func<T, bool> accept, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(probe);
        ArgumentNullException.ThrowIfNull(accept);
        var limit = timeout ?? DefaultTimeout;
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            string last;
            Exception? error = null;
            try
            {
                var value = await probe();
                if (accept(value))
                    return value;
                last = Describe(value);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                error = e;
                last = $"{e.GetType().Name}: {e.Message}";
            }

            if (Stopwatch.GetElapsedTime(started) >= limit)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0.#} s: {what}. Last seen: {last}", error);
            await Task.Delay(Interval);
        }
    }

    /// <summary>Waits until the condition holds.</summary>
    public static Task TrueAsync(string what, Func<bool> condition, TimeSpan? timeout = null) =>
        GetAsync(what, () => Task.FromResult(condition()), static holds => holds, timeout);

    /// <summary>Waits until the condition holds.</summary>
    public static Task TrueAsync(string what, Func<Task<bool>> condition, TimeSpan? timeout = null) =>
        GetAsync(what, condition, static holds => holds, timeout);

    /// <summary>Waits until the action succeeds without an exception, other than a failed assertion.</summary>
    public static Task SucceedsAsync(string what, Func<Task> action, TimeSpan? timeout = null) =>
        GetAsync(what, async () => { await action(); return true; }, static _ => true, timeout);

    private static string Describe<T>(T value) => value switch
    {
        null => "nothing",
        string text => text,
        System.Collections.IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Take(20))}]",
        _ => value.ToString() ?? typeof(T).Name,
    };
}
