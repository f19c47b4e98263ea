using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Prometheus;
using VlWorker.Hosting;
using VlWorker.Telemetry;
using VlWorker.Telemetry.Gpu;

namespace VlWorker.Worker.Tests.Telemetry.Gpu;

/// <summary>Calls into a library that was compiled from nvml.h's declarations of types: arguments and structures arrive where they belong.</summary>
public sealed class GpuMonitorTests : IDisposable
{
    private const string Place = "0000:2A:00.0";
    private const string Uuid = "GPU-01234567-89ab-cdef-0123-456789abcdef";

    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-nvml-").FullName;
    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());
    private readonly Lines _log = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_reading_has_the_librarys_numbers_in_the_metrics_units()
    {
        var monitor = Open(Compile(), ("cuda:0", Place));

        var gpu = Assert.Single(monitor.Gpus);
        Assert.Equal(("cuda:0", Uuid), (gpu.Name, gpu.Uuid));
        Assert.Equal(
            new GpuReading
            {
                Utilization = 0.73,
                MemoryUsed = 10_754_820_096,
                MemoryTotal = 150_754_820_096,
                PowerWatts = 412.345,
                PowerLimitWatts = 700,
                EnergyJoules = 9_876_543_210.123,
                TemperatureCelsius = 61,
                ClockHertz = 1.98e9,
                Throttling = Throttling.PowerCap | Throttling.HardwareThermal,
                CorrectedErrors = 12,
                UncorrectedErrors = null,
            },
            monitor.Read(gpu));
        Assert.Equal((0.73, null), (monitor.Utilization("cuda:0"), monitor.Utilization("cpu")));
    }

    [Fact]
    public async Task A_scrape_shows_what_the_gpu_supports()
    {
        Open(Compile(), ("cuda:0", Place));

        var scrape = await MetricsPage.ScrapeAsync(_metrics.Registry);

        foreach (var line in (string[])
        [
            $$"""vlworker_gpu_utilization_ratio{gpu="cuda:0",uuid="{{Uuid}}"} 0.73""",
            $$"""vlworker_gpu_power_watts{gpu="cuda:0",uuid="{{Uuid}}"} 412.345""",
            $$"""vlworker_gpu_throttled{gpu="cuda:0",uuid="{{Uuid}}",reason="power-cap"} 1""",
            $$"""vlworker_gpu_throttled{gpu="cuda:0",uuid="{{Uuid}}",reason="thermal"} 1""",
            $$"""vlworker_gpu_throttled{gpu="cuda:0",uuid="{{Uuid}}",reason="power-brake"} 0""",
            $$"""vlworker_gpu_ecc_errors_total{gpu="cuda:0",uuid="{{Uuid}}",kind="corrected"} 12""",
        ])
            Assert.Contains(line + "\n", scrape, StringComparison.Ordinal);
        Assert.DoesNotContain("kind=\"uncorrected\"", scrape, StringComparison.Ordinal);
        Assert.Empty(_log.Written);
    }

    [Fact]
    public async Task Without_the_library_there_are_no_series_and_one_line_says_why()
    {
        var monitor = Open("libnvidia-ml-is-not-here.so.1", ("cuda:0", Place), ("cuda:1", "0000:2B:00.0"));

        Assert.DoesNotContain("cuda:0", await MetricsPage.ScrapeAsync(_metrics.Registry), StringComparison.Ordinal);
        Assert.Contains("libnvidia-ml-is-not-here.so.1 is not found", Assert.Single(_log.Written), StringComparison.Ordinal);
        Assert.Null(monitor.Utilization("cuda:0"));
    }

    [Fact]
    public void A_gpu_that_the_library_does_not_know_is_named()
    {
        var monitor = Open(Compile(), ("cuda:1", "0000:2B:00.0"), ("cuda:0", Place));

        Assert.Equal("cuda:0", Assert.Single(monitor.Gpus).Name);
        Assert.Contains("cuda:1", Assert.Single(_log.Written), StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_without_gpus_says_nothing_of_a_library_that_is_not_there()
    {
        Open("libnvidia-ml-is-not-here.so.1");

        Assert.Empty(_log.Written);
    }

    private GpuMonitor Open(string library, params (string, string?)[] gpus)
    {
        var monitor = new GpuMonitor(_metrics, _log);
        monitor.Open(gpus, library);
        return monitor;
    }

    private string Compile()
    {
        var library = Path.Combine(_folder, $"{Guid.NewGuid():N}.so");
        var code = ResourcePath.Resolve(Path.Combine("tests", "Worker.Tests", "Telemetry", "Gpu", "nvml.c"));
        using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-nostdlib", "-Wall", "-Werror", "-o", library, code]) { RedirectStandardError = true })!;
        var errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, errors);
        return library;
    }

    private sealed class Lines : ILogger<GpuMonitor>
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Add(formatter(state, exception));
    }
}
