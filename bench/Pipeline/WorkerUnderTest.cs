using System.Diagnostics;
using System.Globalization;
using System.Net;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Bench.Pipeline;

/// <summary>A vl-worker process, watched through /proc.</summary>
internal sealed class WorkerUnderTest : IDisposable
{
    private readonly Process _process;
    private readonly string _health;
    private readonly List<string> _log = [];

    private WorkerUnderTest(Process process, string health)
    {
        _process = process;
        _health = health;
    }

    /// <summary>User and system time so far, of all threads.</summary>
    public TimeSpan Cpu
    {
        get
        {
            var fields = File.ReadAllText($"/proc/{_process.Id}/stat").Split(") ", 2)[1].Split(' ');
            return TimeSpan.FromSeconds((double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100);
        }
    }

    /// <summary>Resident memory in megabytes (10^6 bytes).</summary>
    public double ResidentMegabytes => Status("VmRSS:");

    /// <summary>Highest resident memory so far in megabytes.</summary>
    public double PeakMegabytes => Status("VmHWM:");

    /// <summary>What it has logged so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_log)
                return [.. _log];
        }
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(new Uri(_health), "/");

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a worker on the services and waits until it is ready.</summary>
    public static async Task<WorkerUnderTest> StartAsync(Services services, string bucket, params string[] settings)
    {
        var worker = Launch(services, bucket, settings);
        await worker.ReadyAsync();
        return worker;
    }

    /// <summary>Starts a worker on the services and does not wait.</summary>
    public static WorkerUnderTest Launch(Services services, string bucket, params string[] settings)
    {
        string[] keys = services.Store.UserInfo.Split(':');
        return Launch(
        [
            "--Broker:Transport=RabbitMq", $"--Broker:Uri={services.Broker}", "--Store:Kind=S3",
            $"--Store:Endpoint={services.Store.GetLeftPart(UriPartial.Scheme)}{services.Store.Authority.Split('@')[^1]}",
            $"--Store:AccessKey={keys[0]}", $"--Store:SecretKey={keys[1]}", $"--Store:Buckets:0={bucket}", .. settings,
        ]);
    }

    /// <summary>Starts a worker that needs neither broker nor store, on the samples, and waits until it is ready.</summary>
    public static async Task<WorkerUnderTest> StartAloneAsync(params string[] settings)
    {
        var worker = Launch(["--Broker:Transport=InMemory", "--Store:Kind=Folder", $"--Store:Folder={Repository.Samples}", "--Store:FolderBucket=samples", .. settings]);
        await worker.ReadyAsync();
        return worker;
    }

    private static WorkerUnderTest Launch(string[] settings)
    {
        var port = FreePort();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "vl-worker.dll"), $"--Serving:Urls=http://127.0.0.1:{port}", "--Logging:LogLevel:Default=Warning", .. settings,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        var worker = new WorkerUnderTest(Process.Start(start)!, $"http://127.0.0.1:{port}/health/ready");
        worker._process.OutputDataReceived += (_, line) => worker.Log(line.Data);
        worker._process.ErrorDataReceived += (_, line) => worker.Log(line.Data);
        worker._process.BeginOutputReadLine();
        worker._process.BeginErrorReadLine();
        return worker;
    }

    /// <summary>The sum of a metric's series with these labels.</summary>
    public async Task<double> MetricAsync(string name, params (string Label, string Value)[] labels)
    {
        using var client = new HttpClient();
        return new MetricsText(await client.GetStringAsync(new Uri(Address, "/metrics"))).Sum(name, labels);
    }

    /// <summary>The last lines of its log.</summary>
    public string Tail(int lines)
    {
        lock (_log)
            return string.Join('\n', _log.TakeLast(lines));
    }

    /// <summary>SIGKILL; returns when it has ended.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; does not wait.</summary>
    public void Terminate()
    {
        if (!_process.HasExited)
            Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Terminate();
            if (!_process.WaitForExit(TimeSpan.FromSeconds(60)))
                _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>Waits until it is ready.</summary>
    private async Task ReadyAsync()
    {
        using var client = new HttpClient();
        var ready = false;
        await Waiting.UntilAsync(async () => (ready = await IsReadyAsync(client)) || _process.HasExited, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(60));
        if (!ready)
            throw new InvalidOperationException("the worker does not get ready:\n" + Tail(30));
    }

    private async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            return (await client.GetAsync(new Uri(_health))).StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            // Not listening yet.
            return false;
        }
    }

    private double Status(string name) => double.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) * 1024 / 1e6;

    private void Log(string? line)
    {
        if (line is null)
            return;
        lock (_log)
            _log.Add(line);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
