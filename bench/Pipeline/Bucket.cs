using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace VlWorker.Bench.Pipeline;

/// <summary>A bucket of the benchmark's own.</summary>
internal sealed class Bucket(Services services) : IDisposable
{
    private readonly AmazonS3Client _client = new(
        new BasicAWSCredentials(services.Store.UserInfo.Split(':')[0], services.Store.UserInfo.Split(':')[1]),
        new AmazonS3Config
        {
            ServiceURL = $"{services.Store.Scheme}://{services.Store.Host}:{services.Store.Port}",
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });

    public string Name { get; } = $"bench-{Guid.NewGuid():N}";

    public async Task CreateAsync() => await _client.PutBucketAsync(Name);

    public async Task PutAsync(string key, byte[] content)
    {
        using var stream = new MemoryStream(content, writable: false);
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = Name, Key = key, InputStream = stream, UseChunkEncoding = false });
    }

    public void Dispose() => _client.Dispose();
}
