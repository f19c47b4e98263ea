using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using VlWorker.Contracts;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.DeadLetters;

/// <summary>Fetches the image that a dead letter asks for, to be looked at.</summary>
internal static class DeadLetterImage
{
    /// <summary>Saves the object into a file.</summary>
    /// <exception cref="ProducerException">The letter names no image, the store does not give it, or the file can't be written.</exception>
    public static async Task SaveAsync(ImageReference? image, StoreSettings store, string path, CancellationToken cancellation)
    {
        if (image is not { Bucket.Length: > 0, Key.Length: > 0 })
            throw new ProducerException(ExitCode.Usage, "the dead letter names no image");
        using var client = store.Connect();
        try
        {
            using var found = await client.GetObjectAsync(
                new GetObjectRequest { BucketName = image.Bucket, Key = image.Key, VersionId = image.VersionId }, cancellation);
            await using var file = new FileStream(path, FileMode.Create);
            await found.ResponseStream.CopyToAsync(file, cancellation);
        }
        catch (AmazonS3Exception error)
        {
            throw new ProducerException(ExitCode.Source, $"the store does not give {image.Bucket}/{image.Key}: {(int)error.StatusCode} {error.ErrorCode}", error);
        }
        catch (Exception error) when (error is AmazonClientException or HttpRequestException)
        {
            throw new ProducerException(ExitCode.Source, $"the store can't be reached: {error.GetBaseException().Message}", error);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new ProducerException(ExitCode.JobFile, $"can't write {path}: {error.Message}", error);
        }
    }
}
