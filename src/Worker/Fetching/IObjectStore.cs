using VlWorker.Buffers;
using VlWorker.Contracts;

namespace VlWorker.Fetching;

/// <summary>Where encoded images come from: S3, or a folder for the embedded default.</summary>
internal interface IObjectStore
{
    /// <summary>Reads one object whole. The caller owns the result.</summary>
    /// <exception cref="Failures.RejectedException">The object is at fault: missing, denied, changed, empty, too large, bucket not allowed.</exception>
    /// <exception cref="Failures.TransientException">The store failed for this object, and short retries did not help.</exception>
    /// <exception cref="Failures.DependencyException">The store itself is not usable.</exception>
    Task<FetchedObject> FetchAsync(ImageReference image, CancellationToken cancellation);

    /// <summary>Returns when the store can serve the allowed buckets; used at start-up, and to find out when an outage is over.</summary>
    /// <exception cref="Failures.DependencyException">It can't, and why.</exception>
    Task ProbeAsync(CancellationToken cancellation);
}

/// <summary>The bytes of an object in pooled memory, and the budget they are charged to. Disposing gives both back.</summary>
internal sealed class FetchedObject(PooledBuffer content, MemoryBudget.Lease lease, string sha256, string? etag, string? versionId) : IDisposable
{
    /// <summary>The encoded image.</summary>
    public ReadOnlyMemory<byte> Content => content.Memory;

    /// <summary>SHA-256 of <see cref="Content"/>, 64 lower-case hexadecimal digits.</summary>
    public string Sha256 { get; } = sha256;

    /// <summary>Entity tag without quotes, if the store has one.</summary>
    public string? Etag { get; } = etag;

    /// <summary>Version, if the store keeps versions.</summary>
    public string? VersionId { get; } = versionId;

    /// <inheritdoc/>
    public void Dispose()
    {
        content.Dispose();
        lease.Dispose();
    }
}
