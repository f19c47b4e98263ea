using Microsoft.AspNetCore.Http;

namespace VlWorker.Serving;

/// <summary>Answers in parts, as server-sent events.</summary>
internal static class ServerEvents
{
    /// <summary>The content type.</summary>
    public const string ContentType = "text/event-stream";

    /// <summary>Sends an event; the first one begins the answer.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="name">The event's name.</param>
    /// <param name="json">Its data, on one line.</param>
    /// <param name="cancellation">The client has gone.</param>
    public static async Task SendAsync(HttpResponse response, string name, string json, CancellationToken cancellation)
    {
        if (!response.HasStarted)
        {
            response.ContentType = ContentType;
            response.Headers.CacheControl = "no-cache";
            response.Headers.XContentTypeOptions = "nosniff";
        }

        await response.WriteAsync($"event: {name}\ndata: {json}\n\n", cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
