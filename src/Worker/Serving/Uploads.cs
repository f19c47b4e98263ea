using Microsoft.AspNetCore.Http;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;

namespace VlWorker.Serving;

/// <summary>Reads request bodies as objects of the store are read: into pooled memory, within a size, a budget and time-outs.</summary>
/// <remarks>The budget is their own, so that clients who send slowly hold up no messages.</remarks>
internal sealed class Uploads(ServingOptions options, FetchingOptions fetching, TimeProvider time)
{
    private readonly MemoryBudget _budget = new(options.BytesInFlight);

    /// <summary>Bytes held.</summary>
    public long Held => _budget.Used;

    /// <summary>Reads a whole body. The caller owns the result.</summary>
    /// <exception cref="RejectedException">Empty, too large, or too slow.</exception>
    public Task<FetchedObject> ReadAsync(HttpRequest request, CancellationToken cancellation) =>
        ReadAsync(request.Body, request.ContentLength, options.MaxBodyBytes, cancellation);

    /// <summary>Reads a part of a body. The caller owns the result.</summary>
    /// <inheritdoc cref="ReadAsync(HttpRequest, CancellationToken)"/>
    /// <param name="part">The part.</param>
    /// <param name="whole">Length of the whole body, if it is known: the part is not longer.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    public Task<FetchedObject> ReadPartAsync(Stream part, long? whole, CancellationToken cancellation) =>
        ReadAsync(part, null, Math.Min(options.MaxBodyBytes, whole ?? options.MaxBodyBytes), cancellation);

    /// <summary>Bytes that were part of a body that is held already; they are charged with it.</summary>
    public FetchedObject Adopt(PooledBuffer bytes, string sha256) => new(bytes, new MemoryBudget.Lease(_budget, 0), sha256, null, null);

    private async Task<FetchedObject> ReadAsync(Stream body, long? length, long limit, CancellationToken cancellation)
    {
        var reader = new BodyReader(fetching with { MaxBytes = limit }, _budget, time);
        using var watchdog = new Watchdog(time, cancellation);
        try
        {
            return await reader.ReadAsync(body, length, null, null, watchdog);
        }
        catch (OperationCanceledException error) when (watchdog.Missed is { } missed)
        {
            throw new RejectedException(RejectionReason.Expired, $"waited too long for {missed}", error);
        }
    }
}
