using System.Collections.Concurrent;
using Amazon.Runtime.Endpoints;
using Amazon.S3.Internal;
using Endpoint = Amazon.Runtime.Endpoints.Endpoint;

namespace VlWorker.Fetching;

/// <summary>Remembers each bucket's endpoint: the SDK evaluates its rules twice a request, a third of what a request costs it.</summary>
/// <remarks>Grows with the allow-list only, since no other bucket is ever asked for.</remarks>
internal sealed class EndpointCache : IEndpointProvider
{
    private readonly AmazonS3EndpointProvider _rules = new();
    private readonly ConcurrentDictionary<string, Endpoint> _known = new(StringComparer.Ordinal);

    public Endpoint ResolveEndpoint(EndpointParameters parameters)
    {
        if (parameters["Bucket"] is not string bucket)
            return _rules.ResolveEndpoint(parameters);
        if (!_known.TryGetValue(bucket, out var known))
            known = _known.GetOrAdd(bucket, Copy(_rules.ResolveEndpoint(parameters)));

        // The SDK appends to the URL of what it is given, so it gets a copy.
        return Copy(known);
    }

    private static Endpoint Copy(Endpoint endpoint) => new(endpoint.URL) { Attributes = endpoint.Attributes, Headers = endpoint.Headers };
}
