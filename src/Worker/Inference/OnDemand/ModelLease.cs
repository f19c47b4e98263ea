namespace VlWorker.Inference.OnDemand;

/// <summary>Keeps a model where it is until it is disposed of.</summary>
internal sealed class ModelLease : IDisposable
{
    private Action? _giveBack;

    /// <param name="giveBack">Called once; null where nothing keeps account.</param>
    public ModelLease(Action? giveBack) => _giveBack = giveBack;

    /// <summary>Of a model that always stays.</summary>
    public static ModelLease None { get; } = new(null);

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
