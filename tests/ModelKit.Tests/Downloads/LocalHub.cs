using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace VlWorker.ModelKit.Tests.Downloads;

/// <summary>A request as it came.</summary>
internal sealed record HubRequest(string Target, string? Range, string? IfRange, string? Authorization);

/// <summary>A server that answers like the Hub for one repository, and misbehaves where a test asks for it.</summary>
internal sealed class LocalHub : IAsyncDisposable
{
    public const string Repository = "owner/model";

    private readonly WebApplication _app;

    private LocalHub(WebApplication app) => _app = app;

    /// <summary>Its address.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The commit of every revision.</summary>
    public string Commit { get; set; } = new('a', 40);

    /// <summary>The files by path. What has more than 1,000 bytes is in LFS.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>What the listing says, if it is not the truth: by path, the content whose size and digest are listed.</summary>
    public ConcurrentDictionary<string, byte[]> Listed { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers a request in place of the server; false leaves it to the server. With the number of the request for that target, from 1.</summary>
    public Func<HttpContext, string, int, Task<bool>> Trouble { get; set; } = (_, _, _) => Task.FromResult(false);

    /// <summary>All requests.</summary>
    public ConcurrentQueue<HubRequest> Requests { get; } = new();

    public static async Task<LocalHub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var hub = new LocalHub(app);
        app.Run(hub.AnswerAsync);
        await app.StartAsync();
        hub.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return hub;
    }

    /// <summary>Requests of a file.</summary>
    public IReadOnlyList<HubRequest> Fetches(string path) => [.. Requests.Where(request => request.Target.EndsWith($"/{path}", StringComparison.Ordinal))];

    /// <summary>Sends a file, or the part of it that was asked for.</summary>
    public static async Task SendAsync(HttpContext context, byte[] content, bool ranges = true)
    {
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"";
        var from = 0;
        var range = context.Request.GetTypedHeaders().Range?.Ranges.Single();
        if (ranges && range is { From: { } first } && (context.Request.Headers.IfRange.Count == 0 || context.Request.Headers.IfRange == tag))
        {
            from = (int)first;
            context.Response.StatusCode = from < content.Length ? 206 : 416;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{content.Length - 1}/{content.Length}");
        }

        context.Response.Headers.ETag = tag;
        context.Response.ContentLength = Math.Max(0, content.Length - from);
        await context.Response.Body.WriteAsync(content.AsMemory(Math.Min(from, content.Length)));
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var headers = context.Request.Headers;
        Requests.Enqueue(new HubRequest(target, headers.Range, headers.IfRange, headers.Authorization));
        if (await Trouble(context, target, Requests.Count(request => request.Target == target)))
            return;
        if (target.StartsWith($"/api/models/{Repository}/revision/", StringComparison.Ordinal))
            await context.Response.WriteAsync(JsonSerializer.Serialize(new { id = Repository, sha = Commit }));
        else if (target == $"/api/models/{Repository}/tree/{Commit}?recursive=true")
            await context.Response.WriteAsync(Tree());
        else if (target.StartsWith($"/{Repository}/resolve/{Commit}/", StringComparison.Ordinal)
            && Files.TryGetValue(Uri.UnescapeDataString(target[$"/{Repository}/resolve/{Commit}/".Length..]), out var content))
            await SendAsync(context, content);
        else
            context.Response.StatusCode = 404;
    }

    private string Tree() => JsonSerializer.Serialize(Files.Select(file => Describe(file.Key, Listed.GetValueOrDefault(file.Key, file.Value)))
        .Prepend(new { type = "directory", oid = new string('0', 40), size = 0, path = "onnx" }));

    private static object Describe(string path, byte[] content) => content.Length > 1000
        ? new
        {
            type = "file",
            oid = new string('1', 40),
            size = content.Length,
            path,
            lfs = new { oid = Convert.ToHexStringLower(SHA256.HashData(content)), size = content.Length, pointerSize = 130 },
        }
        : new
        {
            type = "file",
            oid = GitBlob(content),
            size = content.Length,
            path,
        };

    private static string GitBlob(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {content.Length}\0"));
        hash.AppendData(content);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
