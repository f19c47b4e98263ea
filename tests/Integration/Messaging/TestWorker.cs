using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Consuming;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.Publishing;
using VlWorker.Telemetry;

namespace VlWorker.Integration.Messaging;

/// <summary>Consuming and publishing as the host composes them, between a scripted store and a model without weights.</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly DeviceRunner _device;
    private bool _stopped;

    /// <param name="broker">Its broker.</param>
    /// <param name="consuming">By default <see cref="Quick"/>.</param>
    /// <param name="publishing">By default a worker's own.</param>
    /// <param name="shares">Shares of the messages in hand, by model; by default all models have all.</param>
    /// <param name="model">The model's alias.</param>
    /// <param name="time">By default the system's.</param>
    public TestWorker(
        BrokerOptions broker, ConsumingOptions? consuming = null, PublishingOptions? publishing = null, Dictionary<string, ModelShare>? shares = null,
        string model = "echo", TimeProvider? time = null)
    {
        (Broker, Model) = (broker, new EchoModel(model));
        Store = new ScriptedStore(File.ReadAllBytes(Infrastructure.Repository.At("samples", "0002.png")));
        var metrics = new WorkerMetrics(Metrics.NewCustomRegistry());
        var services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(Log))
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton(metrics)
            .AddSingleton(broker)
            .AddSingleton(consuming ?? Quick)
            .AddSingleton(publishing ?? new PublishingOptions())
            .AddSingleton<IObjectStore>(Store)
            .AddSingleton(new DecodingOptions())
            .AddSingleton<ImageDecoder>()
            .AddSingleton(new ModelRegistry([new Device("cpu", 1, 16, [Model])]) { Shares = shares ?? [] })
            .AddSingleton(new BatchingOptions { MaxWaitMs = 2 })
            .AddSingleton<DynamicBatcher>()
            .AddDescribing()
            .AddConsuming(broker);
        _services = services.BuildServiceProvider();
        _device = new DeviceRunner(
            _services.GetRequiredService<DynamicBatcher>(),
            _services.GetRequiredService<ModelRegistry>().Devices,
            _services.GetRequiredService<BatchingOptions>(),
            time ?? TimeProvider.System,
            metrics);
    }

    /// <summary>Settings that make a test quick: probes follow each other fast, a message has one retry.</summary>
    public static ConsumingOptions Quick => new()
    {
        MaxAttempts = 2,
        ProbeInitial = TimeSpan.FromMilliseconds(50),
        ProbeMaximum = TimeSpan.FromMilliseconds(200),
        GracePeriod = TimeSpan.FromSeconds(10),
    };

    public BrokerOptions Broker { get; }

    public ScriptedStore Store { get; }

    public EchoModel Model { get; }

    public LogLines Log { get; } = new();

    public ConsumingService Service => _services.GetRequiredService<ConsumingService>();

    public ConsumptionGate Gate => _services.GetRequiredService<ConsumptionGate>();

    public ITransport Transport => _services.GetRequiredService<ITransport>();

    public async Task StartAsync()
    {
        _device.Start();
        await Service.StartAsync(CancellationToken.None);
    }

    public async Task StopAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        await Service.StopAsync(CancellationToken.None);
    }

    /// <summary>Rows that wait for a batch.</summary>
    public int Waiting => _services.GetRequiredService<DynamicBatcher>().Waiting;

    /// <summary>Bytes of pooled memory that somebody still holds: none, once the worker has stopped.</summary>
    public long BytesHeld => Store.BytesOut + _services.GetRequiredService<ImageDecoder>().PixelBudget.Used;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _device.Dispose();
        await _services.DisposeAsync();
    }
}
