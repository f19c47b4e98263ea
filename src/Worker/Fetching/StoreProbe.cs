using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>Asks the store for something small, to tell its faults from those of an object. Callers at the same time share one answer.</summary>
internal sealed class StoreProbe(AmazonS3Client client, IReadOnlyList<string> buckets, FetchingOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private Task<bool>? _running;

    /// <summary>Whether the store lets these credentials list one of the allowed buckets.</summary>
    /// <returns>True if it does for at least one; false if it denies all of them, which a key that may only read objects meets too.</returns>
    /// <exception cref="DependencyException">It does not answer, or not to these credentials.</exception>
    public Task<bool> RunAsync(CancellationToken cancellation)
    {
        Task<bool> probe;
        lock (_gate)
        {
            if (_running is not { IsCompleted: false })
                _running = ProbeAsync();
            probe = _running;
        }

        return probe.WaitAsync(cancellation);
    }

    private async Task<bool> ProbeAsync()
    {
        await Task.Yield();
        foreach (var bucket in buckets)
        {
            if (await CanListAsync(bucket).ConfigureAwait(false))
                return true;
        }

        return false;
    }

    private async Task<bool> CanListAsync(string bucket)
    {
        using var watchdog = new Watchdog(time, CancellationToken.None);
        watchdog.Expect("an answer", TimeSpan.FromMilliseconds(options.FirstByteTimeoutMs));
        try
        {
            var request = new ListObjectsV2Request { BucketName = bucket, MaxKeys = 1 };
            await client.ListObjectsV2Async(request, watchdog.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception error)
        {
            var fault = S3Faults.Judge(error, watchdog.Missed);
            if (fault.Blame is Blame.Object or Blame.Denied)
                return false;
            throw new DependencyException(Dependency.Store, fault.Detail, error);
        }
    }
}
