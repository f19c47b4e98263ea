using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace VlWorker.Fetching;

/// <summary>Makes the SDK's client: for stores that are not Amazon's too, without the SDK's own retries, checksums, logs and redirects.</summary>
internal static class S3Connection
{
    /// <summary>A client; the caller owns it.</summary>
    public static AmazonS3Client Open(StoreOptions store, FetchingOptions fetching)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = store.ForcePathStyle,
            AuthenticationRegion = store.Region,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            DisableLogging = true,
            LogResponse = false,
            LogMetrics = false,
            HttpClientFactory = new ClientFactory(store, fetching),
            EndpointProvider = new EndpointCache(),
        };
        if (string.IsNullOrEmpty(store.Endpoint))
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(store.Region);
        else
            config.ServiceURL = store.Endpoint;
        return Credentials(store) is { } credentials ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }

    private static AWSCredentials? Credentials(StoreOptions store) => (store.AccessKey, store.SessionToken) switch
    {
        (null or "", _) => null,
        _ when store.SecretKeyFile is { Length: > 0 } file => new FileCredentials(store.AccessKey, file, store.SessionToken, TimeProvider.System),
        (_, null or "") => new BasicAWSCredentials(store.AccessKey, store.SecretKey),
        _ => new SessionAWSCredentials(store.AccessKey, store.SecretKey, store.SessionToken),
    };

    /// <summary>Plain requests to the store, secured as the client's; the caller owns it.</summary>
    public static HttpClient CreateHttpClient(StoreOptions store, FetchingOptions fetching) => new ClientFactory(store, fetching).CreateHttpClient(null!);

    private sealed class ClientFactory(StoreOptions store, FetchingOptions fetching) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig)
        {
            var sockets = new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                UseCookies = false,
                UseProxy = store.UseProxy,
                ActivityHeadersPropagator = null,
                ConnectTimeout = TimeSpan.FromMilliseconds(fetching.ConnectTimeoutMs),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
                MaxResponseDrainSize = 64 << 10,
                ResponseDrainTimeout = TimeSpan.FromMilliseconds(500),
            };
            sockets.SslOptions.LocalCertificateSelectionCallback = store.Tls.Selection;
            sockets.SslOptions.RemoteCertificateValidationCallback = store.Tls.Verify;
            return new HttpClient(new ExactRequests(sockets)) { Timeout = Timeout.InfiniteTimeSpan };
        }

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => true;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        /// <summary>Null: cached with the client, disposed with it.</summary>
        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }
}
