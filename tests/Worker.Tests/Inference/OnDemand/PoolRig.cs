using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.Integration.Infrastructure;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Batching;

namespace VlWorker.Worker.Tests.Inference.OnDemand;

/// <summary>A pool of models without weights, whose loads a test holds up or lets fail.</summary>
internal sealed class PoolRig : IDisposable
{
    private readonly Dictionary<string, PooledModel> _models;
    private readonly Dictionary<string, Source> _sources = [];

    public PoolRig(
        InferenceOptions options, WorkerMetrics metrics, TimeProvider time, IReadOnlyList<(string Alias, IReadOnlyList<(string Device, long Bytes)> Copies)> models)
    {
        foreach (var (alias, _) in models)
            _sources[alias] = new Source(alias);
        _models = models.ToDictionary(
            model => model.Alias,
            model => new PooledModel([.. model.Copies.Select(copy => new OnDemandCopy(
                DeviceName.Parse(copy.Device), copy.Bytes, _sources[model.Alias].Tried(), _sources[model.Alias].Load))]));
        Pool = new ModelPool([.. _models.Values], options, new ModelRoom(options.ModelMemoryBytes), metrics, time, NullLogger.Instance);
    }

    public ModelPool Pool { get; }

    public Task<ModelLease> AcquireAsync(string alias, DateTimeOffset? deadline = null, CancellationToken cancellation = default) =>
        Pool.AcquireAsync(_models[alias], deadline, cancellation);

    /// <summary>Loads that were asked for, without the first one at the start.</summary>
    public int Loads(string alias) => _sources[alias].Loads;

    /// <summary>Copies that were disposed of, that of the start among them.</summary>
    public int Disposals(string alias) => _sources[alias].Disposals;

    public Residency State(string alias) => Pool.StateOf(_models[alias]);

    public Residency[] States(params string[] aliases) => [.. aliases.Select(State)];

    /// <summary>Waits for a state.</summary>
    public Task UntilAsync(string alias, Residency state) => Eventually.TrueAsync($"{alias} to be {state}", () => State(alias) == state);

    /// <summary>Lets loads take until <see cref="LetGo"/>.</summary>
    public void Hold(string alias) => _sources[alias].Gate.Reset();

    public void LetGo(string alias) => _sources[alias].Gate.Set();

    /// <summary>Lets loads fail; null: no longer.</summary>
    public void Break(string alias, Exception? error) => _sources[alias].Error = error;

    public void Dispose()
    {
        Pool.Dispose();
        foreach (var copy in _models.Values.SelectMany(model => model.Copies))
            copy.Dispose();
    }

    private sealed class Source(string alias)
    {
        private int _loads;
        private int _disposals;

        public ManualResetEventSlim Gate { get; } = new(initialState: true);

        public Exception? Error { get; set; }

        public int Loads => Volatile.Read(ref _loads);

        public int Disposals => Volatile.Read(ref _disposals);

        /// <summary>What the start leaves: it was loaded once and is gone.</summary>
        public IModel Tried()
        {
            var model = Make();
            model.Dispose();
            return model;
        }

        private StubModel Make() => new(alias: alias, dispose: () => Interlocked.Increment(ref _disposals));

        public IModel Load()
        {
            Gate.Wait(TimeSpan.FromSeconds(30));
            if (Error is { } error)
                throw error;
            Interlocked.Increment(ref _loads);
            return Make();
        }
    }
}
