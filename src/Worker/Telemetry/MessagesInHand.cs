namespace VlWorker.Telemetry;

/// <summary>Since when each message in the worker's hands has been waiting, by lane. Read at scrape time, so that taking a message costs one entry.</summary>
internal sealed class MessagesInHand(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<long, DateTimeOffset>> _lanes = new(StringComparer.Ordinal);
    private long _next;

    /// <summary>Takes a message into account until the result is disposed of.</summary>
    /// <param name="lane">Its lane.</param>
    /// <param name="published">When it was published; null counts from now.</param>
    public IDisposable Add(string lane, DateTimeOffset? published)
    {
        var since = published ?? time.GetUtcNow();
        lock (_gate)
        {
            if (!_lanes.TryGetValue(lane, out var messages))
                _lanes.Add(lane, messages = []);
            var number = _next++;
            messages.Add(number, since);
            return new Entry(this, messages, number);
        }
    }

    /// <summary>Messages of a lane in hand, and the age of the oldest in seconds; 0 without any.</summary>
    public (int Count, double OldestSeconds) Of(string lane)
    {
        lock (_gate)
        {
            if (!_lanes.TryGetValue(lane, out var messages) || messages.Count == 0)
                return (0, 0);
            // A sender's clock may be ahead of this one.
            return (messages.Count, Math.Max(0, (time.GetUtcNow() - messages.Values.Min()).TotalSeconds));
        }
    }

    private void Remove(Dictionary<long, DateTimeOffset> messages, long number)
    {
        lock (_gate)
            messages.Remove(number);
    }

    private sealed class Entry(MessagesInHand owner, Dictionary<long, DateTimeOffset> messages, long number) : IDisposable
    {
        public void Dispose() => owner.Remove(messages, number);
    }
}
