using Prometheus;
using VlWorker.Batching;
using VlWorker.Batching.Steering;
using VlWorker.Buffers;
using VlWorker.Consuming;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Publishing;
using VlWorker.Serving;
using VlWorker.Telemetry;
using VlWorker.Telemetry.Gpu;

namespace VlWorker.Hosting;

/// <summary>Puts the stages together: the one place that knows all of them.</summary>
internal static class WorkerComposition
{
    /// <summary>Adds a whole worker. Nothing is connected or loaded before <see cref="WorkerLifecycle"/> asks for it.</summary>
    public static IServiceCollection AddWorker(this IServiceCollection services, WorkerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(options.Broker);
        services.AddSingleton(options.Consuming);
        services.AddSingleton(options.Publishing);
        services.AddSingleton(options.Store);
        services.AddSingleton(options.Fetching);
        services.AddSingleton(options.Decoding);
        services.AddSingleton(options.Batching);
        services.AddSingleton(options.Telemetry);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(Metrics.NewCustomRegistry());
        services.AddSingleton<WorkerMetrics>();
        services.AddSingleton<DeviceReadings>();
        services.AddSingleton<GpuMonitor>();
        services.AddSingleton(new EncodedBudget(new MemoryBudget(options.Fetching.BytesInFlight)));
        services.AddStore(options.Store);
        services.AddSingleton<ImageDecoder>();
        services.AddSingleton<DynamicBatcher>();
        services.AddSingleton(provider => new DeviceRunner(
            provider.GetRequiredService<DynamicBatcher>(),
            provider.GetRequiredService<ModelRegistry>().Devices,
            options.Batching,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<WorkerMetrics>(),
            Steering(provider, options.Steering)));
        services.AddSingleton(provider => LoadModels(provider, options));
        services.AddDescribing(options.Serving.StatusPage ? options.Serving.LastCaptions : 0, options.KeptJournal());
        services.AddConsuming(options.Broker);
        services.AddHostedService<TraceExport>();
        services.AddServing(options.Serving);
        services.AddSingleton(provider => new Readiness(
            () => provider.GetRequiredService<WorkerLifecycle>().NotReady(), () => provider.GetRequiredService<WorkerLifecycle>().Models));
        services.AddSingleton<WorkerLifecycle>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkerLifecycle>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.Hosting.ShutdownSeconds));
        return services;
    }

    private static void AddStore(this IServiceCollection services, StoreOptions options)
    {
        if (options.Kind == StoreKind.S3)
            services.AddSingleton<IObjectStore>(provider => ActivatorUtilities.CreateInstance<S3ObjectStore>(provider, Budget(provider)));
        else
            services.AddSingleton<IObjectStore>(provider => ActivatorUtilities.CreateInstance<FolderObjectStore>(provider, Budget(provider)));

        static MemoryBudget Budget(IServiceProvider provider) => provider.GetRequiredService<EncodedBudget>().Bytes;
    }

    private static SteeringLoop? Steering(IServiceProvider provider, SteeringOptions options) => options.Enabled
        ? new SteeringLoop(
            options,
            provider.GetRequiredService<GpuMonitor>().Utilization,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<WorkerMetrics>(),
            provider.GetRequiredService<ILogger<SteeringLoop>>())
        : null;

    private static ModelRegistry LoadModels(IServiceProvider provider, WorkerOptions options) => new ModelSetup(
        options.Inference,
        options.Batching,
        provider.GetRequiredService<WorkerMetrics>(),
        provider.GetRequiredService<TimeProvider>(),
        provider.GetRequiredService<ILoggerFactory>().CreateLogger("VlWorker.Models")).Load();
}

/// <summary>What encoded images are charged to; a type of its own because pixels have another budget.</summary>
internal sealed record EncodedBudget(MemoryBudget Bytes);
