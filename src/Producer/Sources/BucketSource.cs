using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Sources;

/// <summary>The objects of a bucket below a prefix, in the order of their keys. The position is the last key.</summary>
/// <param name="client">The store; owned by this object.</param>
/// <param name="bucket">The bucket.</param>
/// <param name="prefix">Only keys that begin so.</param>
internal sealed class BucketSource(AmazonS3Client client, string bucket, string prefix) : IItemSource
{
    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, StartAfter = position };
        while (true)
        {
            var page = await ListAsync(request, cancellation);
            foreach (var found in page.S3Objects ?? [])
            {
                // Folders that some programs make are empty objects.
                if (found.Key.EndsWith('/') && found.Size is null or 0)
                    continue;
                yield return SourceEntry.Of(found.Key, new ListedItem(bucket, found.Key, found.ETag?.Trim('"'), null), found.Size ?? 0);
            }

            if (page.IsTruncated != true)
                yield break;
            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private async Task<ListObjectsV2Response> ListAsync(ListObjectsV2Request request, CancellationToken cancellation)
    {
        try
        {
            var page = await client.ListObjectsV2Async(request, cancellation);

            // The client takes any page with status 200 for an empty list: of a console in place of the store, for one.
            return !string.IsNullOrEmpty(page.Name) ? page : throw new ProducerException(
                ExitCode.Source, $"what answers at {client.Config.ServiceURL ?? "Amazon S3"} is no object store: is it the store's console?");
        }
        catch (AmazonS3Exception error)
        {
            throw new ProducerException(ExitCode.Source, error.ErrorCode switch
            {
                "NoSuchBucket" => $"there is no bucket '{bucket}' at {client.Config.ServiceURL ?? "Amazon S3"}",
                "AccessDenied" => $"no permission to list the bucket '{bucket}'",
                "SignatureDoesNotMatch" or "InvalidAccessKeyId" => "the store refuses the access key or the secret key",
                _ => $"the bucket '{bucket}' can't be listed: {(int)error.StatusCode} {error.ErrorCode} {error.Message}",
            }, error);
        }
        catch (Exception error) when (error is AmazonClientException or AmazonServiceException or HttpRequestException or IOException or SocketException or WebException
            || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ProducerException(
                ExitCode.Source, $"the store at {client.Config.ServiceURL ?? "Amazon S3"} can't be reached: {error.GetBaseException().Message}", error);
        }
    }
}
