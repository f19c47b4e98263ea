using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Soak;

/// <summary>The workers of a soak: one that ends is replaced, as a supervisor does.</summary>
internal sealed class SoakWorkers(Services services, string bucket, string[] settings) : IDisposable
{
    private readonly List<WorkerUnderTest> _running = [];
    private readonly List<WorkerUnderTest> _leaving = [];
    private readonly List<string> _ended = [];

    /// <summary>The last lines of workers that nobody has told to end.</summary>
    public IReadOnlyList<string> Ended => _ended;

    /// <summary>Starts one and waits until it is ready: what it declares exists then.</summary>
    public async Task StartFirstAsync() => _running.Add(await WorkerUnderTest.StartAsync(services, bucket, settings));

    /// <summary>Starts another and does not wait.</summary>
    public void Start() => _running.Add(WorkerUnderTest.Launch(services, bucket, settings));

    /// <summary>SIGKILL to one of them or to all, and others in their places.</summary>
    public async Task KillAsync(Random random, bool all)
    {
        WorkerUnderTest[] victims = all ? [.. _running] : [_running[random.Next(_running.Count)]];
        foreach (var victim in victims)
        {
            await victim.KillAsync();
            Remove(victim);
            Start();
        }
    }

    /// <summary>SIGTERM to one of them, and another in its place at once, as a roll-out does.</summary>
    public void Replace(Random random)
    {
        var old = _running[random.Next(_running.Count)];
        _running.Remove(old);
        _leaving.Add(old);
        old.Terminate();
        Start();
    }

    /// <summary>Replaces those that have ended by themselves, and buries those that have left as told.</summary>
    public void Watch()
    {
        foreach (var worker in _running.Where(worker => worker.HasExited).ToArray())
        {
            _ended.Add(worker.Tail(20));
            Remove(worker);
            Start();
        }

        foreach (var worker in _leaving.Where(worker => worker.HasExited).ToArray())
        {
            _leaving.Remove(worker);
            worker.Dispose();
        }
    }

    /// <summary>SIGTERM to all; waits for their ends.</summary>
    public void Dispose()
    {
        foreach (var worker in _running.Concat(_leaving))
            worker.Dispose();
        _running.Clear();
        _leaving.Clear();
    }

    private void Remove(WorkerUnderTest worker)
    {
        _running.Remove(worker);
        worker.Dispose();
    }
}
