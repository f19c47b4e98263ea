using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using VlWorker.Describing;
using VlWorker.Serving.Access;
using VlWorker.Serving.Problems;

namespace VlWorker.Serving.Status;

/// <summary>The status page and what it asks for. Where the settings have API keys, the browser asks for one as a password.</summary>
internal static class StatusEndpoints
{
    /// <summary>Maps / and what lies below /status.</summary>
    public static void MapStatus(this WebApplication application, ApiKeys keys)
    {
        var page = application.MapGroup("").RequireApiKey(keys, "Basic");
        page.MapGet("/", (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = StatusPage.Policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.CacheControl = "no-cache";
            return Results.Text(StatusPage.Html, "text/html; charset=utf-8");
        });
        page.MapGet("/status", (StatusFeed feed) => feed.Latest is { } latest
            ? Results.Text(latest, "application/json")
            : new ProblemResult(new Problem(ProblemTypes.NotReady, "there is no status yet", TimeSpan.FromSeconds(1))));
        page.MapGet("/status/events", (HttpContext context, StatusFeed feed) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return feed.TryWatch(context.RequestAborted) is { } snapshots
                ? TypedResults.ServerSentEvents(snapshots, "status")
                : (IResult)new ProblemResult(new Problem(ProblemTypes.Overloaded, "too many watch already", TimeSpan.FromSeconds(30)));
        });
        page.MapGet("/status/settings", (IReadOnlyList<Setting> settings) => Results.Json(settings, ServingJson.Plain.IReadOnlyListSetting));
        page.MapGet("/status/thumbnails/{id:long}", (long id, HttpContext context, RecentImages images) =>
        {
            if (images.Find(id) is not { } image)
                return new ProblemResult(new Problem(ProblemTypes.NoSuchPath, "newer captions have taken its place"));
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.CacheControl = "private, max-age=600, immutable";
            return Results.Bytes(image.Thumbnail, "image/webp");
        });
    }
}
