using System.Net.Http.Headers;

namespace VlWorker.Fetching;

/// <summary>One request as it goes over the wire, beside what the SDK makes of it.</summary>
/// <param name="key">The key as the message names it.</param>
internal sealed class Exchange(string key)
{
    /// <summary>The key as the message names it.</summary>
    public string Key { get; } = key;

    /// <summary>The answer's entity tag without quotes.</summary>
    public string? Etag { get; set; }

    /// <summary>Bytes of the body; null where the answer does not say.</summary>
    public long? Length { get; set; }
}

/// <summary>Sees to it that what is asked for is what was signed, that the store itself answers, and that bodies come as they are.</summary>
/// <remarks>
/// The SDK signs a key with its leading slashes and sends it without one, so the request would name another object than the message
/// does. It follows a 307 to any host. It takes every entity tag for an MD5, fails where it is none, and hashes the body again, slowly.
/// Here the slash is put back, redirects are errors, and the tag is kept from the SDK.
/// </remarks>
internal sealed class ExactRequests(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly AsyncLocal<Exchange?> Current = new();

    /// <summary>To be called in the same asynchronous method as the SDK, before it. The result is filled when the answer has begun.</summary>
    public static Exchange Begin(string key) => Current.Value = new Exchange(key);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var exchange = Current.Value;
        if (exchange?.Key.StartsWith('/') == true)
            request.RequestUri = Restore(request.RequestUri!, exchange.Key);
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if ((int)response.StatusCode is >= 300 and < 400)
        {
            using (response)
                throw new RedirectedException((int)response.StatusCode, response.Headers.Location);
        }

        if (exchange is not null && response.IsSuccessStatusCode)
        {
            exchange.Length = response.Content.Headers.ContentLength;
            exchange.Etag = Take(response.Headers, "ETag")?.Trim().Trim('"');
        }

        return response;
    }

    private static string? Take(HttpResponseHeaders headers, string name)
    {
        var value = headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
        headers.Remove(name);
        return value;
    }

    private static Uri Restore(Uri sent, string key)
    {
        // Percent-encoding of everything but RFC 3986's unreserved characters is what the signature is over.
        var encoded = Uri.EscapeDataString(key).Replace("%2F", "/", StringComparison.Ordinal);
        var path = sent.AbsolutePath;
        var shortened = encoded[1..];
        if (!path.EndsWith(shortened, StringComparison.Ordinal) || path.EndsWith("/" + encoded, StringComparison.Ordinal))
            return sent;
        var exact = sent.GetLeftPart(UriPartial.Authority) + path[..^shortened.Length] + encoded + sent.Query;
        return new Uri(exact, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }
}

/// <summary>The endpoint sends its callers elsewhere: it is not the store, or not this bucket's region.</summary>
internal sealed class RedirectedException(int status, Uri? location)
    : Exception($"the endpoint answers {status} and points to {location?.GetLeftPart(UriPartial.Authority) ?? "nowhere"}");
