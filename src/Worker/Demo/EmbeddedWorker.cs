using Prometheus;
using VlWorker.Consuming;
using VlWorker.Fetching;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Demo;

/// <summary>A whole worker inside this process: in-memory transport, a folder as store, everything between as in production.</summary>
internal sealed class EmbeddedWorker : IAsyncDisposable
{
    /// <summary>The bucket that is the folder itself.</summary>
    public const string Bucket = "images";

    private readonly IHost _host;

    private EmbeddedWorker(IHost host) => _host = host;

    /// <summary>The store that the worker reads from.</summary>
    public IObjectStore Store => _host.Services.GetRequiredService<IObjectStore>();

    /// <summary>Settings for a worker on a folder. Models, batching and decoding follow the configuration; the rest is given.</summary>
    /// <param name="settings">Settings of the command line, --Section:Name=value.</param>
    /// <param name="folder">The images.</param>
    /// <exception cref="StartupException">The configuration is wrong.</exception>
    public static WorkerOptions Options(string[] settings, string folder)
    {
        var fixedHere = new[]
        {
            $"--Broker:Transport={nameof(BrokerTransport.InMemory)}",
            $"--Store:Kind={nameof(StoreKind.Folder)}",
            $"--Store:Folder={folder}",
            $"--Store:FolderBucket={Bucket}",

            // A second attempt after 5 s is all that somebody who watches wants to wait for.
            "--Consuming:MaxAttempts=2",

            // Nor for images whose answers nobody reads any more.
            "--Consuming:GracePeriod=00:00:02",
        };
        return WorkerOptions.Read(WorkerHost.CreateBuilder([.. settings, .. fixedHere]).Configuration);
    }

    /// <summary>Loads the models and starts to consume.</summary>
    /// <exception cref="DemoException">It can't.</exception>
    public static async Task<EmbeddedWorker> StartAsync(WorkerOptions options, CancellationToken cancellation)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddWorker(options);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var worker = new EmbeddedWorker(builder.Build());
        try
        {
            await worker._host.StartAsync(cancellation);
            await worker._host.Services.GetRequiredService<WorkerLifecycle>().Started.WaitAsync(cancellation);
            return worker;
        }
        catch (Exception error)
        {
            await worker.DisposeAsync();
            if (error is OperationCanceledException)
                throw;
            throw new DemoException(error.Message, error);
        }
    }

    /// <summary>Whether one of its models does a task.</summary>
    public bool Does(string task) => _host.Services.GetRequiredService<ModelRegistry>().DefaultFor(task) is not null;

    /// <summary>What the worker measures.</summary>
    public CollectorRegistry Metrics => _host.Services.GetRequiredService<WorkerMetrics>().Registry;

    /// <summary>A client of this worker. The caller disposes of it before the worker.</summary>
    /// <param name="results">Routing keys of the results that are its own, as a pattern.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<RequestClient> ConnectAsync(string results = "#", CancellationToken cancellation = default) => RequestClient.ConnectAsync(
        _host.Services.GetRequiredService<InMemoryTransport>(),
        _host.Services.GetRequiredService<ConsumptionGate>(),
        results,
        _host.Services.GetRequiredService<TimeProvider>(),
        cancellation);

    /// <summary>Stops the worker in order.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _host.StopAsync();
        }
        finally
        {
            _host.Dispose();
        }
    }

    /// <summary>Signals are the command's own business: it writes down what was done before it ends.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
