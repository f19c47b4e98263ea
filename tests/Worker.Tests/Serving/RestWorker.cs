using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VlWorker.Hosting;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Serving;

/// <summary>A whole worker in this process, on the in-memory transport and the samples' folder, with a real HTTP server on a port of its own.</summary>
internal sealed class RestWorker : IAsyncDisposable
{
    /// <summary>The bucket that holds the samples.</summary>
    public const string Bucket = "samples";

    private readonly WebApplication _application;

    private RestWorker(WebApplication application)
    {
        _application = application;
        Addresses = [.. application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Client = new HttpClient { BaseAddress = new Uri(Addresses[0]) };
    }

    /// <summary>The samples.</summary>
    public static string Samples { get; } = ResourcePath.Resolve("samples");

    /// <summary>Where it listens, in the order of the settings.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>A client of the first address.</summary>
    public HttpClient Client { get; }

    /// <summary>The worker's services.</summary>
    public IServiceProvider Services => _application.Services;

    /// <summary>Starts a worker and waits until it is ready unless told otherwise.</summary>
    /// <param name="settings">Settings beside those of this class.</param>
    /// <param name="model">Runs in place of the demo models.</param>
    public static async Task<RestWorker> StartAsync(Dictionary<string, string>? settings = null, IModel? model = null, bool waitUntilReady = true)
    {
        var all = new Dictionary<string, string>
        {
            ["Broker:Transport"] = "InMemory",
            ["Store:Kind"] = "Folder",
            ["Store:Folder"] = Samples,
            ["Store:FolderBucket"] = Bucket,
            ["Serving:Urls"] = "http://127.0.0.1:0",
            ["Inference:Models:0:Alias"] = "demo-captioner",
            ["Inference:Models:0:Folder"] = ResourcePath.Resolve("models/demo-captioner"),
            ["Inference:Models:0:Optimize"] = "Off",
            ["Inference:Models:1:Alias"] = "demo-clip",
            ["Inference:Models:1:Folder"] = ResourcePath.Resolve("models/demo-clip"),
            ["Inference:Models:1:Optimize"] = "Off",
            ["Batching:MaxWaitMs"] = "2",
            ["Consuming:GracePeriod"] = "00:00:02",
        };
        foreach (var (name, value) in settings ?? [])
            all[name] = value;
        var builder = WorkerHost.CreateBuilder([.. all.Select(pair => $"--{pair.Key}={pair.Value}")]);
        if (model is not null)
            builder.Host.UseServiceProviderFactory(new Replacing(services => services.AddSingleton(_ => new ModelRegistry([new Device("cpu", 1, 16, [model])]))));
        var application = WorkerHost.Build(builder, WorkerOptions.Read(builder.Configuration));
        await application.StartAsync();
        if (waitUntilReady)
            await application.Services.GetRequiredService<WorkerLifecycle>().Started.WaitAsync(TimeSpan.FromMinutes(1));
        return new RestWorker(application);
    }

    /// <summary>A sample's bytes.</summary>
    public static byte[] Sample(string name) => File.ReadAllBytes(Path.Combine(Samples, name));

    /// <summary>A body of bytes.</summary>
    public static ByteArrayContent Bytes(byte[] bytes, string? type = "image/jpeg") =>
        new(bytes) { Headers = { ContentType = type is null ? null : new(type) } };

    /// <summary>A body of JSON.</summary>
    public static StringContent Json(string json) => new(json, System.Text.Encoding.UTF8, "application/json");

    /// <summary>Posts, and reads the answer's JSON.</summary>
    public async Task<(HttpResponseMessage Response, JsonElement Json)> PostAsync(string path, HttpContent content)
    {
        var response = await Client.PostAsync(new Uri(path, UriKind.Relative), content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(text.Length > 0, $"{path}: {response.StatusCode} without a body");
        return (response, JsonDocument.Parse(text).RootElement);
    }

    /// <summary>Posts what is to be refused, and checks that the answer is a problem of that reason.</summary>
    public async Task<JsonElement> RefusedAsync(string path, HttpContent content, HttpStatusCode status, string reason)
    {
        var (response, json) = await PostAsync(path, content);
        Assert.Equal((status, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal(("urn:vlworker:problem:" + reason, reason, (int)status), (json.GetProperty("type").GetString(), json.GetProperty("reason").GetString(), json.GetProperty("status").GetInt32()));
        Assert.False(string.IsNullOrEmpty(json.GetProperty("title").GetString()) || string.IsNullOrEmpty(json.GetProperty("detail").GetString()));
        return json;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    /// <summary>Puts services in place of the worker's own.</summary>
    private sealed class Replacing(Action<IServiceCollection> replace) : IServiceProviderFactory<IServiceCollection>
    {
        public IServiceCollection CreateBuilder(IServiceCollection services)
        {
            replace(services);
            services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
            return services;
        }

        public IServiceProvider CreateServiceProvider(IServiceCollection containerBuilder) => containerBuilder.BuildServiceProvider();
    }
}

/// <summary>One worker with the demo models for all tests that only ask it.</summary>
public sealed class DemoModelsWorker : IAsyncLifetime
{
    internal RestWorker Worker { get; private set; } = null!;

    public async Task InitializeAsync() => Worker = await RestWorker.StartAsync();

    public async Task DisposeAsync() => await Worker.DisposeAsync();
}
