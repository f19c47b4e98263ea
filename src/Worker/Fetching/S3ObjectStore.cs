using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>Objects in S3-compatible storage.</summary>
/// <remarks>
/// One fetch: wait for a connection's turn, then attempts from scratch until one succeeds or it is clear who is to blame:
/// <code>
/// object   no such key, changed, too large, empty, denied        -> RejectedException, at once
/// store    DNS, refused, TLS, redirected                          -> DependencyException, at once
/// unsure   signature, expired, clock, an odd 4xx                  -> probe: fails -> DependencyException, else try again -> RejectedException
/// passing  5xx, time-outs, cuts: again with backoff and jitter; most attempts lately (StormWindow) -> DependencyException;
///          attempts used up -> probe: fails -> DependencyException, else TransientException
/// </code>
/// </remarks>
internal sealed class S3ObjectStore : IObjectStore, IDisposable
{
    private readonly FetchingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IReadOnlySet<string> _allowed;
    private readonly AmazonS3Client _client;
    private readonly BodyReader _bodies;
    private readonly StormWindow _storm;
    private readonly StoreProbe _probe;
    private readonly SemaphoreSlim _turns;

    /// <param name="store">Checked options of kind S3.</param>
    /// <param name="options">Checked limits.</param>
    /// <param name="budget">Memory of fetched objects; may be shared.</param>
    /// <param name="time">The clock of time-outs and backoff.</param>
    /// <param name="logger">Never sees secrets.</param>
    public S3ObjectStore(StoreOptions store, FetchingOptions options, MemoryBudget budget, TimeProvider time, ILogger<S3ObjectStore> logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _allowed = store.Allowed();
        _client = S3Connection.Open(store, options);
        _bodies = new BodyReader(options, budget, time);
        _storm = new StormWindow(options, time);
        _probe = new StoreProbe(_client, [.. _allowed.Order(StringComparer.Ordinal)], options, time);
        _turns = new SemaphoreSlim(options.Connections, options.Connections);
    }

    /// <inheritdoc/>
    public async Task<FetchedObject> FetchAsync(ImageReference image, CancellationToken cancellation)
    {
        var (bucket, key, etag) = ReferenceRules.Check(image, _allowed);
        var request = new GetObjectRequest
        {
            BucketName = bucket,
            Key = key,
            VersionId = string.IsNullOrEmpty(image.VersionId) ? null : image.VersionId,
            EtagToMatch = etag is null or "*" ? etag : $"\"{etag}\"",
        };
        await _turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await AttemptsAsync(request, etag, cancellation).ConfigureAwait(false);
        }
        catch (DependencyException error)
        {
            _logger.StoreAtFault(error.Message, error.InnerException);
            throw;
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <inheritdoc/>
    public async Task ProbeAsync(CancellationToken cancellation) => await _probe.RunAsync(cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _turns.Dispose();
    }

    private async Task<FetchedObject> AttemptsAsync(GetObjectRequest request, string? etag, CancellationToken cancellation)
    {
        var backoff = new Backoff(_options, _time);
        while (true)
        {
            using var watchdog = new Watchdog(_time, cancellation);
            Exception error;
            Fault fault;
            try
            {
                var fetched = await AttemptAsync(request, etag, watchdog).ConfigureAwait(false);
                _storm.Answered();
                return fetched;
            }
            catch (RejectedException)
            {
                _storm.Answered();
                throw;
            }
            catch (Exception caught)
            {
                cancellation.ThrowIfCancellationRequested();
                (error, fault) = (caught, S3Faults.Judge(caught, watchdog.Missed));
            }

            await SettleAsync(request, fault, error, cancellation).ConfigureAwait(false);
            _logger.AttemptFailed(backoff.Attempt, request.BucketName, request.Key, fault.Detail);
            if (!await backoff.WaitAsync(cancellation).ConfigureAwait(false))
                throw await GiveUpAsync(fault, backoff.Attempt, error, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<FetchedObject> AttemptAsync(GetObjectRequest request, string? etag, Watchdog watchdog)
    {
        var exchange = ExactRequests.Begin(request.Key);
        watchdog.Expect("the answer to begin", TimeSpan.FromMilliseconds(_options.FirstByteTimeoutMs));
        using var response = await _client.GetObjectAsync(request, watchdog.Token).ConfigureAwait(false);

        // A store that does not know the condition would hand out whatever is there.
        if (request.VersionId is { } version && response.VersionId != version)
            throw new RejectedException(RejectionReason.NotFound, "the object has no such version: the store answered with another");
        if (etag is not null and not "*" && exchange.Etag != etag)
            throw new RejectedException(RejectionReason.PreconditionFailed, "the object's entity tag is no longer the one asked for");
        return await _bodies.ReadAsync(response.ResponseStream, exchange.Length, exchange.Etag, response.VersionId, watchdog).ConfigureAwait(false);
    }

    /// <summary>Returns where another attempt makes sense.</summary>
    private async Task SettleAsync(GetObjectRequest request, Fault fault, Exception error, CancellationToken cancellation)
    {
        switch (fault.Blame)
        {
            case Blame.Object:
                _storm.Answered();
                throw new RejectedException(fault.Reason, fault.Detail, error);
            case Blame.Store:
                throw new DependencyException(Dependency.Store, fault.Detail, error);
            case Blame.Unsure:
                await _probe.RunAsync(cancellation).ConfigureAwait(false);
                return;
            case Blame.Denied:
                if (_storm.Denied(request.BucketName, request.Key) && !await _probe.RunAsync(cancellation).ConfigureAwait(false))
                    throw Storm("the store denies access to everything", error);
                throw new RejectedException(fault.Reason, fault.Detail, error);
            default:
                if (_storm.Failed(request.BucketName, request.Key))
                    throw Storm($"most requests fail: {fault.Detail}", error);
                return;
        }
    }

    private async Task<Exception> GiveUpAsync(Fault fault, int attempts, Exception error, CancellationToken cancellation)
    {
        if (fault.Blame == Blame.Unsure)
            return new RejectedException(fault.Reason, fault.Detail, error);
        await _probe.RunAsync(cancellation).ConfigureAwait(false);
        return new TransientException($"{fault.Detail}, {attempts} times in a row", error);
    }

    private DependencyException Storm(string detail, Exception error)
    {
        _storm.Clear();
        return new DependencyException(Dependency.Store, detail, error);
    }
}
