using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>Debian's Prometheus as a process of its own, which scrapes one worker every half a second by the project's rules.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly Process _process;
    private readonly ProcessOutput _output = new();
    private readonly string _folder;

    private PrometheusServer(Process process, Uri address, string folder)
    {
        (_process, _folder, _http) = (process, folder, new HttpClient { BaseAddress = address });
        _output.Attach(process);
    }

    /// <summary>Starts it, and waits until it answers.</summary>
    public static async Task<PrometheusServer> StartAsync(Uri worker)
    {
        var folder = Repository.NewFolder("prometheus");
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), $"""
            global:
              scrape_interval: 500ms
              evaluation_interval: 500ms
            rule_files: ["{Repository.At("deploy", "prometheus", "alerts.yml")}"]
            scrape_configs:
              - job_name: vlworker
                static_configs:
                  - targets: ["{worker.Authority}"]
            """);
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        string[] arguments =
        [
            $"--config.file={Path.Combine(folder, "prometheus.yml")}", $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            $"--web.listen-address={address.Authority}", "--enable-feature=exemplar-storage",
        ];
        var process = Process.Start(new ProcessStartInfo("prometheus", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var server = new PrometheusServer(process, address, folder);
        try
        {
            await Eventually.SucceedsAsync("Prometheus answers", async () => (await server._http.GetAsync("/-/ready")).EnsureSuccessStatusCode());
            return server;
        }
        catch (TimeoutException error)
        {
            await server.DisposeAsync();
            throw new TimeoutException($"{error.Message}\n{server._output.Text}", error);
        }
    }

    /// <summary>The result of a query now; one that Prometheus refuses fails with its reason.</summary>
    public async Task<JsonElement> QueryAsync(string query) => (await AskAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}")).GetProperty("result");

    /// <summary>The exemplars of the last hour.</summary>
    public Task<JsonElement> ExemplarsAsync(string query)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return AskAsync($"/api/v1/query_exemplars?query={Uri.EscapeDataString(query)}&start={now - 3600}&end={now + 60}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<JsonElement> AskAsync(string path)
    {
        using var response = await _http.GetAsync(path);
        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.True(response.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {body}");
        return body.GetProperty("data");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
