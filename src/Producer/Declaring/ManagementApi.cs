using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VlWorker.Producer.Declaring;

/// <summary>RabbitMQ's HTTP API of one virtual host: what AMQP can't tell.</summary>
internal sealed class ManagementApi : IDisposable
{
    /// <summary>The environment variable with the address: http://user:password@host:15672/.</summary>
    public const string Variable = "VLWORKER_MANAGEMENT_URI";

    private readonly HttpClient _client;
    private readonly string _host;
    private readonly string _address;

    /// <param name="uri">http[s]://user:password@host:port.</param>
    /// <param name="virtualHost">The virtual host.</param>
    /// <exception cref="ProducerException">It is no such address.</exception>
    public ManagementApi(string uri, string virtualHost)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
            throw new ProducerException(ExitCode.Usage, "the management API's address must look like http://user:password@host:15672");
        _host = Uri.EscapeDataString(virtualHost);
        _address = $"{parsed.Scheme}://{parsed.Host}:{parsed.Port}";
        var credentials = parsed.UserInfo.Length == 0 ? "guest:guest" : Uri.UnescapeDataString(parsed.UserInfo);
        _client = new HttpClient
        {
            BaseAddress = new UriBuilder(parsed) { UserName = "", Password = "", Path = "/api/" }.Uri,
            Timeout = TimeSpan.FromSeconds(15),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))) },
        };
    }

    /// <summary>A queue as the API sees it; null if there is none.</summary>
    public Task<JsonElement?> QueueAsync(string queue, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, $"queues/{_host}/{Uri.EscapeDataString(queue)}", null, cancellation);

    /// <summary>The bindings of a queue, an array; null if there is no such queue.</summary>
    public Task<JsonElement?> BindingsAsync(string queue, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, $"queues/{_host}/{Uri.EscapeDataString(queue)}/bindings", null, cancellation);

    /// <summary>Makes or replaces a policy.</summary>
    public Task PutPolicyAsync(string name, JsonObject policy, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Put, $"policies/{_host}/{Uri.EscapeDataString(name)}", policy, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // An element, no node: about a queue that was just made the broker may say "node" twice, and only elements take that.
    private async Task<JsonElement?> SendAsync(HttpMethod method, string path, JsonObject? body, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            using var response = await _client.SendAsync(request, cancellation);
            if (response.StatusCode == HttpStatusCode.NotFound && method == HttpMethod.Get)
                return null;
            if (!response.IsSuccessStatusCode)
                throw new ProducerException(ExitCode.Broker, $"the management API at {_address} answers {(int)response.StatusCode} {response.ReasonPhrase}");
            var text = await response.Content.ReadAsStringAsync(cancellation);
            return text.Length == 0 ? null : JsonElement.Parse(text) is { ValueKind: JsonValueKind.Object or JsonValueKind.Array } answer
                ? answer
                : throw new JsonException("it is none");
        }
        catch (Exception error) when (error is HttpRequestException or JsonException || (error is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ProducerException(ExitCode.Broker, $"the management API at {_address} can't be asked: {error.Message}", error);
        }
    }
}
