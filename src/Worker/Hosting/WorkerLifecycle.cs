using VlWorker.Batching;
using VlWorker.Consuming;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Publishing;
using VlWorker.Telemetry.Gpu;

namespace VlWorker.Hosting;

/// <summary>Starts the worker in order and stops it in the opposite order.</summary>
/// <remarks>
/// Start: models, device, consuming; meanwhile /health/live answers already. Stop: consuming first, with everything in the pipeline
/// finished or given back while /health/ready still answers, then HTTP, the devices, and the models (by the container). A start that can't succeed ends the process with exit code 2,
/// a device that is lost to it with exit code 3, both through an orderly stop.
/// </remarks>
internal sealed class WorkerLifecycle(IServiceProvider services, IHostApplicationLifetime lifetime, ILogger<WorkerLifecycle> logger)
    : BackgroundService, IHostedLifecycleService
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConsumingService? _consuming;
    private DeviceRunner? _runner;
    private volatile string? _phase = "starting";

    /// <summary>Why a start failed; null if it did not.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Why the process has to be started again; null while it has not.</summary>
    public DependencyException? DeviceLost { get; private set; }

    /// <summary>The models; null until they are loaded.</summary>
    public ModelRegistry? Models { get; private set; }

    /// <summary>Completes when the worker consumes; faulted when it never will.</summary>
    public Task Started => _started.Task;

    /// <summary>Why the worker takes no work now, one line a reason; empty when it does.</summary>
    public IReadOnlyList<string> NotReady() => _phase is { } phase ? [phase] : _consuming?.NotReady is { } reason ? [reason] : [];

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before any service stops, the one that answers HTTP among them: what is in hand is finished.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _phase = "stopping";
        if (Started.IsCompletedSuccessfully)
            await StopConsumingAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _phase = "stopping";
        await base.StopAsync(cancellationToken);
        await StopConsumingAsync(cancellationToken);
        if (_runner is { } runner && !runner.Stop(TimeSpan.FromSeconds(5)))
            Log.DeviceStillBusy(logger);
        Log.Stopped(logger);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            _ = Task.Run(() => ConnectAheadAsync(stoppingToken), stoppingToken);
            await Task.Run(() => Load(stoppingToken), stoppingToken);
            OpenJournal();
            _phase = "connecting to the broker";
            var consuming = services.GetRequiredService<ConsumingService>();
            _consuming = consuming;
            await consuming.StartAsync(stoppingToken);
            _phase = null;
            _started.TrySetResult();
            EndWith(await _runner!.Lost.WaitAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            _started.TrySetCanceled(stoppingToken);
        }
        catch (Exception error)
        {
            Failure = error;
            _phase = $"can't start: {error.Message}";
            Log.CannotStart(logger, error.Message);
            _started.TrySetException(error);
            _ = _started.Task.Exception;
            lifetime.StopApplication();
        }
    }

    /// <summary>Reaching broker and store takes about as long as loading models, and neither needs the other.</summary>
    private async Task ConnectAheadAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(
                services.GetRequiredService<IBrokerPublisher>().ProbeAsync(cancellation),
                services.GetRequiredService<IObjectStore>().ProbeAsync(cancellation));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // What can't be reached is asked again, and explained, when consuming starts.
        }
    }

    private void Load(CancellationToken cancellation)
    {
        _phase = "loading models";
        Models = services.GetRequiredService<ModelRegistry>();
        services.GetRequiredService<GpuMonitor>().Open(CudaDevice.Places(Models.Devices.Select(device => device.Name)));
        cancellation.ThrowIfCancellationRequested();
        _runner = services.GetRequiredService<DeviceRunner>();
        _phase = "warming up";
        _runner.WarmUp(cancellation);
        _runner.Start();
    }

    private async Task StopConsumingAsync(CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _consuming, null) is { } consuming)
            await consuming.StopAsync(cancellation);
    }

    /// <summary>Before the first message; from the signal to stop on, a death blames nobody.</summary>
    private void OpenJournal()
    {
        var journal = services.GetRequiredService<CrashJournal>();
        journal.Open();
        lifetime.ApplicationStopping.Register(journal.Stop);
    }

    /// <summary>Nothing in this process gets the device back: messages go to other workers, and the process ends.</summary>
    private void EndWith(DependencyException lost)
    {
        DeviceLost = lost;
        services.GetRequiredService<ConsumptionGate>().Close(lost);
        Log.DeviceLost(logger, WorkerHost.DeviceLostExitCode, lost.Message);
        lifetime.StopApplication();
    }
}
