using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace VlWorker.Producer.Sources;

/// <summary>Where the object store is and who we are. Without keys Amazon's own chain is asked (environment, profile, instance role).</summary>
/// <param name="Endpoint">The store, or null for Amazon's.</param>
/// <param name="Region">The region.</param>
/// <param name="AccessKey">The access key, or null.</param>
/// <param name="SecretKey">The secret key, or null.</param>
internal sealed record StoreSettings(string? Endpoint, string Region, string? AccessKey, string? SecretKey)
{
    /// <summary>Environment variables with the endpoint and the keys: secrets do not belong on a command line.</summary>
    public const string EndpointVariable = "VLWORKER_STORE_ENDPOINT", AccessVariable = "VLWORKER_STORE_ACCESS_KEY", SecretVariable = "VLWORKER_STORE_SECRET_KEY";

    /// <summary>A client, set up for stores that are not Amazon's too; the caller owns it.</summary>
    /// <exception cref="ProducerException">There are no credentials.</exception>
    public AmazonS3Client Connect()
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = true,
            AuthenticationRegion = Region,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = 5,
            Timeout = TimeSpan.FromSeconds(60),
        };
        try
        {
            if (Endpoint is null)
                config.RegionEndpoint = RegionEndpoint.GetBySystemName(Region);
            else
                config.ServiceURL = Endpoint;
            return AccessKey is null ? new AmazonS3Client(config) : new AmazonS3Client(new BasicAWSCredentials(AccessKey, SecretKey), config);
        }
        catch (Exception error) when (error is AmazonClientException or UriFormatException or ArgumentException)
        {
            throw new ProducerException(ExitCode.Source, $"the store can't be used: {error.Message}", error);
        }
    }
}
