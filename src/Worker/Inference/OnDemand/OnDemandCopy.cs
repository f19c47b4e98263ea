using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.OnDemand;

/// <summary>A device's copy of a model that comes and goes. What plans requests always answers; running needs it loaded.</summary>
internal sealed class OnDemandCopy : IModel
{
    private readonly Func<IModel> _load;
    private readonly ReaderWriterLockSlim _gate = new();
    private IModel _plans;
    private IModel? _running;

    /// <summary>A copy that was loaded once, for what plans requests.</summary>
    /// <param name="device">The device.</param>
    /// <param name="bytes">Memory that it takes while it is loaded.</param>
    /// <param name="first">The copy, disposed of already: its sessions and their memory are gone.</param>
    /// <param name="load">Loads it again.</param>
    public OnDemandCopy(DeviceName device, long bytes, IModel first, Func<IModel> load) =>
        (Where, Device, Bytes, _plans, _load) = (device, device.ToString(), bytes, first, load);

    /// <summary>The device.</summary>
    public DeviceName Where { get; }

    /// <summary>The device's name.</summary>
    public string Device { get; }

    /// <summary>Memory that it takes while it is loaded, as measured at the start.</summary>
    public long Bytes { get; }

    /// <inheritdoc/>
    public bool IsLoaded => Volatile.Read(ref _running) is not null;

    /// <inheritdoc/>
    public ModelReference Reference => _plans.Reference;

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks => _plans.Tasks;

    /// <inheritdoc/>
    public bool EmbedsText => _plans.EmbedsText;

    /// <inheritdoc/>
    public bool TakesPrompt => _plans.TakesPrompt;

    /// <inheritdoc/>
    public int MaxImages => _plans.MaxImages;

    /// <inheritdoc/>
    public Similarity? Similarity => _plans.Similarity;

    /// <inheritdoc/>
    public string? DefaultPrompt(string task) => _plans.DefaultPrompt(task);

    /// <inheritdoc/>
    public PreprocessorConfig? Images => _plans.Images;

    /// <inheritdoc/>
    public GenerationParameters? Resolve(GenerationOptions? options) => _plans.Resolve(options);

    /// <inheritdoc/>
    public void CheckPrompt(string task, string? prompt) => _plans.CheckPrompt(task, prompt);

    /// <inheritdoc/>
    public TokenizedText Tokenize(string text) => _plans.Tokenize(text);

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => _plans.KeyOf(input);

    /// <inheritdoc/>
    public bool TakesMore => _plans.TakesMore;

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) => Run(rows, null, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, IRowSource? more, CancellationToken cancellation)
    {
        // Requests hold a lease. Who runs without one (made-up rows, to give memory back) keeps it from going meanwhile.
        _gate.EnterReadLock();
        try
        {
            return _running is { } model
                ? model.Run(rows, more, cancellation)
                : [.. rows.Select(_ => new FailedOutcome(new TransientException($"model '{Reference.Alias}' is not loaded")))];
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>Loads it. Takes as long as that takes.</summary>
    public void Load()
    {
        var model = _load();
        _gate.EnterWriteLock();
        try
        {
            (_plans, _running) = (model, model);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>Gives its memory back, after what runs.</summary>
    public void Unload()
    {
        _gate.EnterWriteLock();
        try
        {
            _running?.Dispose();
            _running = null;
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unload();
        _gate.Dispose();
    }
}
