using System.Collections.Concurrent;
using System.Security.Cryptography;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Fetching;

namespace VlWorker.Integration.Messaging;

/// <summary>A store that fails on command, which a real one does not. Every key holds the same small image unless scripted otherwise.</summary>
internal sealed class ScriptedStore(byte[] image) : IObjectStore
{
    private readonly MemoryBudget _budget = new(64 << 20);
    private readonly ConcurrentDictionary<string, Func<CancellationToken, Task>> _scripts = new(StringComparer.Ordinal);
    private int _fetches;
    private int _inFlight;
    private int _probes;
    private int _peak;

    /// <summary>What every fetch and probe does first; may throw.</summary>
    public Func<CancellationToken, Task> Always { get; set; } = _ => Task.CompletedTask;

    /// <summary>Fetches so far.</summary>
    public int Fetches => Volatile.Read(ref _fetches);

    /// <summary>Probes so far.</summary>
    public int Probes => Volatile.Read(ref _probes);

    /// <summary>Fetches at the same time, at most so far.</summary>
    public int Peak => Volatile.Read(ref _peak);

    /// <summary>Fetches at this moment.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Bytes that were fetched and not given back.</summary>
    public long BytesOut => _budget.Used;

    /// <summary>What a fetch of this key does first; may throw.</summary>
    public void On(string key, Func<CancellationToken, Task> script) => _scripts[key] = script;

    public async Task<FetchedObject> FetchAsync(ImageReference reference, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _fetches);
        var now = Interlocked.Increment(ref _inFlight);
        for (var peak = Peak; now > peak; peak = Peak)
            Interlocked.CompareExchange(ref _peak, now, peak);
        try
        {
            await Always(cancellation);
            if (_scripts.TryGetValue(reference.Key!, out var script))
                await script(cancellation);
            var lease = await _budget.AcquireAsync(image.Length, cancellation);
            var buffer = new PooledBuffer(image.Length);
            image.CopyTo(buffer.Span);
            return new FetchedObject(buffer, lease, Convert.ToHexStringLower(SHA256.HashData(image)), "etag", null);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    public Task ProbeAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _probes);
        return Always(cancellation);
    }
}
