using Microsoft.AspNetCore.Builder;
using VlWorker.Batching;
using VlWorker.Consuming;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Journal;
using VlWorker.Serving;
using VlWorker.Serving.Status;
using VlWorker.Telemetry;
using VlWorker.Telemetry.Gpu;

namespace VlWorker.Hosting;

/// <summary>A worker as a process: configuration, logging, HTTP side, lifecycle.</summary>
internal static class WorkerHost
{
    /// <summary>The worker can't start: another try does not help before something is changed.</summary>
    public const int CannotStartExitCode = 2;

    /// <summary>A device is lost to this process: whatever started the worker should start it again.</summary>
    public const int DeviceLostExitCode = 3;

    /// <summary>Runs a worker until it is told to stop.</summary>
    /// <param name="settings">Settings of the command line, --Section:Name=value.</param>
    /// <returns>0 after an orderly stop, 2 if it can't start, 3 if it has to be started again since a device is lost.</returns>
    public static async Task<int> RunAsync(string[] settings)
    {
        WorkerOptions options;
        var builder = CreateBuilder(settings);
        try
        {
            options = WorkerOptions.Read(builder.Configuration);
        }
        catch (StartupException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return CannotStartExitCode;
        }

        return await RunAsync(Build(builder, options));
    }

    /// <summary>Runs a composed worker until it is told to stop, or until it can't go on.</summary>
    /// <returns>An exit code, as above.</returns>
    public static async Task<int> RunAsync(WebApplication application)
    {
        var lifecycle = application.Services.GetRequiredService<WorkerLifecycle>();
        try
        {
            await application.StartAsync();
            await application.WaitForShutdownAsync();
        }
        catch (OperationCanceledException) when (application.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // It was told to stop, or found that it can't start, before the host had started it all.
        }

        if (lifecycle.DeviceLost is not null)
        {
            // What holds memory on a broken device can't give it back, and may hang in trying: the end of the process does it.
            application.Services.GetRequiredService<ILoggerFactory>().Dispose();
            return DeviceLostExitCode;
        }

        await application.DisposeAsync();
        return lifecycle.Failure is null ? 0 : CannotStartExitCode;
    }

    /// <summary>A builder with the worker's sources of settings and its log format.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .AddCommandLine(settings);
        return builder;
    }

    /// <summary>Composes a worker from checked options.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, WorkerOptions options)
    {
        LogOutput.Configure(builder.Logging, options.Hosting.LogFormat);
        builder.WebHost.ConfigureKestrel(server => Listeners.Configure(server, options.Serving));
        builder.Services.AddWorker(options);
        if (options.Serving.StatusPage)
            builder.Services.AddStatusPage(() => SettingsView.Of(options), new StatusLimits(options.Fetching.BytesInFlight, options.Decoding.PixelBudgetBytes));
        var application = builder.Build();
        var metrics = application.Services.GetRequiredService<WorkerMetrics>();
        Observe(metrics, application.Services);
        ProcessMetrics.Register(metrics.Registry);
        _ = application.Services.GetRequiredService<GpuMonitor>();
        application.MapServing(metrics.Registry);
        return application;
    }

    private static void Observe(WorkerMetrics metrics, IServiceProvider services)
    {
        var lifecycle = services.GetRequiredService<WorkerLifecycle>();
        var batcher = services.GetRequiredService<DynamicBatcher>();
        var encoded = services.GetRequiredService<EncodedBudget>().Bytes;
        var pixels = services.GetRequiredService<ImageDecoder>().PixelBudget;
        metrics.Observe("vlworker_consuming", "1 while the worker takes messages, 0 while it does not: /health/ready says why.", () => lifecycle.NotReady().Count == 0 ? 1 : 0);
        metrics.Observe("vlworker_results_held", "Results that could not be published yet and are kept.", () => services.GetRequiredService<ResultSender>().Held);
        var journal = services.GetRequiredService<CrashJournal>();
        metrics.Observe("vlworker_journal_written", "1 while what is in work is written to the crash journal, 0 while it is not, though it should be.", () => journal.IsOn && !journal.IsWritten ? 0 : 1);
        metrics.Observe("vlworker_suspects", "Messages that work alone when they come, because a process died with them.", () => journal.Suspects);
        metrics.Observe("vlworker_batcher_waiting_rows", "Rows that wait for a batch.", () => batcher.Waiting);
        metrics.Observe("vlworker_fetch_bytes_in_flight", "Encoded bytes held.", () => encoded.Used);
        metrics.Observe("vlworker_pixel_bytes_in_flight", "Pixel bytes held.", () => pixels.Used + services.GetRequiredService<ImagePreparer>().Held);
    }
}
