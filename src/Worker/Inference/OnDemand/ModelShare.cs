using VlWorker.Failures;

namespace VlWorker.Inference.OnDemand;

/// <summary>The requests of one model that may be in the worker's hands at the same time: the others' share of them is not for it.</summary>
/// <param name="alias">The model's alias.</param>
/// <param name="limit">As many at most.</param>
internal sealed class ModelShare(string alias, int limit) : IDisposable
{
    /// <summary>A place may become free meanwhile; and messages that are sent to wait don't go round faster than this.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _places = new(limit, limit);

    /// <summary>Takes a place until the result is disposed of.</summary>
    /// <exception cref="BusyException">There is none.</exception>
    public async ValueTask<ModelLease> EnterAsync(CancellationToken cancellation) => await _places.WaitAsync(Patience, cancellation).ConfigureAwait(false)
        ? new ModelLease(() => _places.Release())
        : throw new BusyException($"there are {limit} requests for model '{alias}' in the worker's hands, as many as it takes");

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();
}
