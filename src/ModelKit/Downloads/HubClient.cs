using System.Net;
using System.Net.Http.Headers;

namespace VlWorker.ModelKit.Downloads;

/// <summary>
/// Requests to a Hugging Face-compatible server. Redirects are followed here, because the token goes to the server that was named and to no
/// other, and no redirect leads away from HTTP, or from HTTPS to less.
/// </summary>
internal sealed class HubClient(PullOptions options, TimeProvider time) : IDisposable
{
    private const int MostRedirects = 8;

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = options.StallTimeout,
    })
    {
        // Time is limited by the guard of each request, which knows about progress.
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>The server's address, which ends with a slash.</summary>
    public Uri Endpoint { get; } = new(options.Endpoint.AbsoluteUri.TrimEnd('/') + "/");

    /// <summary>Sends a GET and follows redirects.</summary>
    /// <param name="uri">The address.</param>
    /// <param name="from">The first byte that is wanted; 0 for all.</param>
    /// <param name="ifRange">The ETag that what is here already had; null if it had none.</param>
    /// <param name="guard">Of the request and its answer.</param>
    /// <returns>An answer of 2xx, or of 416 where a range was asked for; its body is not read yet.</returns>
    /// <exception cref="AttemptException">The connection failed, or the server can't answer now.</exception>
    /// <exception cref="PullException">The server refuses.</exception>
    public async Task<HttpResponseMessage> GetAsync(Uri uri, long from, string? ifRange, StallGuard guard)
    {
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            var response = await SendAsync(uri, from, ifRange, guard).ConfigureAwait(false);
            if (response.IsSuccessStatusCode || (from > 0 && response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable))
                return response;
            using (response)
                uri = Redirect(uri, response) ?? throw Refusal(uri, response);
        }

        throw new PullException($"{uri.Host} answers with more than {MostRedirects} redirects");
    }

    public void Dispose() => _client.Dispose();

    private static string Quoted(string? reason) => string.IsNullOrEmpty(reason) ? "" : $" {reason}";

    private async Task<HttpResponseMessage> SendAsync(Uri uri, long from, string? ifRange, StallGuard guard)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("vl-worker", typeof(HubClient).Assembly.GetName().Version?.ToString(3)));
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (options.Token is { Length: > 0 } token && IsEndpoint(uri))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (from > 0)
            request.Headers.Range = new RangeHeaderValue(from, null);
        if (from > 0 && ifRange is not null)
            request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue(ifRange));
        try
        {
            var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, guard.Token).ConfigureAwait(false);
            guard.Progress();
            return response;
        }
        catch (HttpRequestException error)
        {
            throw new AttemptException($"{uri.Host} can't be reached: {error.Message}", null, error);
        }
    }

    private bool IsEndpoint(Uri uri) =>
        Uri.Compare(uri, Endpoint, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static Uri? Redirect(Uri from, HttpResponseMessage response)
    {
        if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
            or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
            return null;
        if (response.Headers.Location is not { } location || !Uri.TryCreate(from, location, out var to))
            throw new PullException($"{from.Host} redirects to no address");
        if (to.Scheme != Uri.UriSchemeHttps && (to.Scheme != Uri.UriSchemeHttp || from.Scheme != Uri.UriSchemeHttp))
            throw new PullException($"{from.Host} redirects from {from.Scheme} to {to.Scheme}, which is not followed");
        return to;
    }

    private Exception Refusal(Uri uri, HttpResponseMessage response)
    {
        var answer = $"{uri.Host} answers {(int)response.StatusCode}{Quoted(response.ReasonPhrase)}";
        return (int)response.StatusCode switch
        {
            401 or 403 => new PullException(
                $"{answer} for {options.Repository}: " + (options.Token is { Length: > 0 }
                    ? "the token in HF_TOKEN is not allowed to read it"
                    : "it does not exist, or needs a token in the environment variable HF_TOKEN")),
            404 => new PullException($"{answer}: there is no {Uri.UnescapeDataString(uri.AbsolutePath)}"),
            408 or 425 or 429 or >= 500 => new AttemptException(answer, RetryAfter(response.Headers.RetryAfter)),
            _ => new PullException(answer),
        };
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header?.Delta
        ?? (header?.Date is { } date && date > time.GetUtcNow() ? date - time.GetUtcNow() : null);
}
