using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Fetching;

namespace VlWorker.Diagnostics;

/// <summary>Whether every allowed bucket can be listed, and an object in it read.</summary>
internal sealed class StoreCheck(StoreOptions store, FetchingOptions fetching) : IDiagnosticCheck
{
    private const string Keys = "Compare Store:Endpoint, Store:Region, Store:AccessKey and Store:SecretKey (or SecretKeyFile) with the store's";
    private const string Policy = "Give the key what deploy/s3/reader-policy.json lists: s3:GetObject on the objects and s3:ListBucket on the bucket";

    /// <inheritdoc/>
    public string Name => "store";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        if (store.Check().FirstOrDefault() is { } problem)
            return [Finding.Fail(Name, problem, Keys)];
        if (store.Kind == StoreKind.Folder)
            return [Finding.Ok(Name, $"the folder {store.Folder}")];
        using var client = S3Connection.Open(store, fetching);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromMilliseconds(fetching.FirstByteTimeoutMs));
        var findings = new List<Finding>();
        foreach (var bucket in store.Allowed().Order(StringComparer.Ordinal))
            findings.Add(await LookAsync(client, bucket, limit.Token));
        return findings;
    }

    private async Task<Finding> LookAsync(AmazonS3Client client, string bucket, CancellationToken cancellation)
    {
        var (step, key) = ("listed", (string?)null);
        try
        {
            var list = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket, MaxKeys = 1 }, cancellation);
            key = list.S3Objects?.FirstOrDefault()?.Key;
            if (key is null)
                return Finding.Ok(Name, $"bucket '{bucket}' can be listed and is empty");
            step = "read";
            using var answer = await client.GetObjectAsync(new GetObjectRequest { BucketName = bucket, Key = key, ByteRange = new ByteRange(0, 0) }, cancellation);
            return Finding.Ok(Name, $"bucket '{bucket}' can be listed and read");
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "InvalidRange")
        {
            return Finding.Ok(Name, $"bucket '{bucket}' can be listed and read (its first object is empty)");
        }
        catch (Exception error) when (error
            is Amazon.Runtime.AmazonServiceException or Amazon.Runtime.AmazonClientException or HttpRequestException or IOException
            or OperationCanceledException or RedirectedException)
        {
            var fault = S3Faults.Judge(error, cancellation.IsCancellationRequested ? "an answer" : null);
            return Finding.Fail(Name, $"bucket '{bucket}' can't be {step}: {fault.Detail}", Advice(error, fault, bucket));
        }
    }

    private static string Advice(Exception error, Fault fault, string bucket) => (error as AmazonS3Exception)?.ErrorCode switch
    {
        "NoSuchBucket" => $"Make the bucket '{bucket}', or correct Store:Buckets",
        "AccessDenied" => Policy,
        "RequestTimeTooSkewed" => "Set this machine's clock (chrony or systemd-timesyncd)",
        "SignatureDoesNotMatch" or "InvalidAccessKeyId" or "InvalidToken" or "ExpiredToken" => Keys,
        _ when fault.Detail.Contains("TLS", StringComparison.Ordinal) =>
            "Store:CaFile must hold the authority of the store's certificate, and the certificate be for the host of Store:Endpoint",
        _ when fault.Blame == Blame.Store => "Start the store, or correct Store:Endpoint; a firewall or network policy may stand between",
        _ => Keys,
    };
}
