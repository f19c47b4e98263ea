using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace VlWorker.Integration.Infrastructure;

/// <summary>The built vl-worker as a process of its own, with real signals. It is killed when it is disposed.</summary>
public sealed partial class WorkerProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;

    /// <summary>Exit code of a process that SIGKILL has ended.</summary>
    public const int KilledExitCode = 128 + SigKill;

    private static readonly TimeSpan ReadinessLimit = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly ProcessOutput _output = new();
    private readonly Process _process;
    private readonly string _folder;

    private WorkerProcess(Process process, string folder)
    {
        (_process, _folder) = (process, folder);
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
        _output.Attach(process);
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>The port of its HTTP side.</summary>
    public int Port => Address("/").Port;

    /// <summary>Everything that it has written so far.</summary>
    public string Log => _output.Text;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Where it listens, in the order of its settings.</summary>
    public IReadOnlyList<string> Addresses => [.. Listening().Matches(Log).Select(static match => match.Groups[1].Value)];

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts a worker on a broker and a store, and waits until it consumes unless told otherwise.</summary>
    /// <param name="broker">With credentials and virtual host.</param>
    /// <param name="store">Address and keys.</param>
    /// <param name="buckets">What messages may name.</param>
    /// <param name="settings">Further settings by their full names, Section:Name; they win over all others.</param>
    /// <param name="hosts">A file that is the worker's /etc/hosts; what is written to it holds at once.</param>
    public static async Task<WorkerProcess> StartAsync(
        Uri broker, StoreUser store, IReadOnlyList<string> buckets, Dictionary<string, string> settings, bool waitUntilReady = true, string? hosts = null)
    {
        ArgumentNullException.ThrowIfNull(broker);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(buckets);
        ArgumentNullException.ThrowIfNull(settings);
        var all = new Dictionary<string, string>
        {
            ["Broker:Uri"] = broker.ToString(),
            ["Store:Endpoint"] = store.Endpoint.ToString(),
            ["Store:AccessKey"] = store.AccessKey,
            ["Store:SecretKey"] = store.SecretKey,
            // The system chooses the port, and the host's log says which.
            ["Serving:Urls"] = "http://127.0.0.1:0",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
        };
        foreach (var (bucket, i) in buckets.Select(static (bucket, i) => (bucket, i)))
            all[$"Store:Buckets:{i}"] = bucket;
        foreach (var (name, value) in settings)
            all[name] = value;

        var worker = Launch(all, hosts);
        try
        {
            if (waitUntilReady)
                await worker.ReadyAsync();
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until /health/ready says so.</summary>
    public Task ReadyAsync(TimeSpan? timeout = null) => ReadinessAsync("the worker is ready", static state => state.Ready, timeout);

    /// <summary>Waits until /health/ready refuses, with a reason that holds the text.</summary>
    public Task NotReadyAsync(string reason, TimeSpan? timeout = null) => ReadinessAsync(
        $"the worker is not ready because of '{reason}'",
        state => !state.Ready && state.Text.Contains(reason, StringComparison.OrdinalIgnoreCase),
        timeout);

    /// <summary>What /health/ready says now.</summary>
    public async Task<Readiness> ReadinessAsync()
    {
        using var response = await _http.GetAsync(Address("/health/ready"));
        return new Readiness(response.StatusCode == HttpStatusCode.OK, (await response.Content.ReadAsStringAsync()).Trim());
    }

    /// <summary>What /metrics says now.</summary>
    /// <param name="format">A media type; by default Prometheus' own text.</param>
    public async Task<MetricsText> MetricsAsync(string format = "text/plain")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address("/metrics")) { Headers = { { "Accept", format } } };
        using var response = await _http.SendAsync(request);
        return new MetricsText(await response.Content.ReadAsStringAsync());
    }

    /// <summary>Asks it to stop, with SIGTERM, and does not wait.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>SIGTERM, then waits for the end; returns the exit code.</summary>
    public Task<int> StopAsync()
    {
        Terminate();
        return ExitAsync();
    }

    /// <summary>SIGKILL, then waits for the end.</summary>
    public Task KillAsync()
    {
        Signal(SigKill);
        return ExitAsync();
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? TimeSpan.FromMinutes(1));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The worker did not end in time.\n{Log}");
        }

        return _process.ExitCode;
    }

    /// <summary>Waits for its end and fails, with its output, on another exit code.</summary>
    public async Task ExpectExitAsync(int code, TimeSpan? timeout = null)
    {
        var actual = await ExitAsync(timeout);
        Assert.True(actual == code, $"The worker ended with {actual} in place of {code}.\n{Log}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        Signal(SigKill);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static WorkerProcess Launch(IReadOnlyDictionary<string, string> settings, string? hosts)
    {
        // A folder of its own, so that no appsettings.json of the tests' is read.
        var folder = Repository.NewFolder("worker");
        var program = Repository.At("src", "Worker", "bin", Repository.Configuration, "net10.0", "vl-worker");
        var start = hosts is null ? new ProcessStartInfo(program) : WithHosts(program, hosts);
        (start.RedirectStandardOutput, start.RedirectStandardError, start.WorkingDirectory) = (true, true, folder);
        // The runtime may lie where the executable would not look for it.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        start.Environment["Journal__Folder"] = Path.Combine(folder, "journal");
        foreach (var (name, value) in settings)
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        return new WorkerProcess(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"), folder);
    }

    /// <summary>The program in a mount namespace of its own; each step becomes the next, so the process id is the program's. dash would drop variables with a dot.</summary>
    private static ProcessStartInfo WithHosts(string program, string hosts)
    {
        string[] user = Environment.UserName == "root" ? [] : ["--user", "--map-root-user"];
        return new ProcessStartInfo("unshare", ["--mount", .. user, "bash", "-c", "mount --bind \"$1\" /etc/hosts && exec \"$0\"", program, hosts]);
    }

    private async Task ReadinessAsync(string what, Func<Readiness, bool> accept, TimeSpan? timeout)
    {
        try
        {
            await Eventually.GetAsync(what, async () => _process.HasExited ? new Readiness(false, "") : await ReadinessAsync(), state => _process.HasExited || accept(state), timeout ?? ReadinessLimit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Log}", e);
        }

        if (_process.HasExited)
            throw new InvalidOperationException($"The worker has ended with {await ExitAsync()}.\n{Log}");
    }

    /// <summary>An address of its HTTP side.</summary>
    public Uri Address(string path) => Listening().Match(Log) is { Success: true } match
        ? new Uri(match.Groups[1].Value + path)
        : throw new InvalidOperationException("The worker does not listen yet");

    private void Signal(int number)
    {
        // A process that is not reaped yet keeps its id: nobody else is hit.
        if (!_process.HasExited && SendSignal(_process.Id, number) != 0)
            throw new InvalidOperationException($"kill({_process.Id}, {number}): errno {Marshal.GetLastPInvokeError()}");
    }

    private void KillAtExit(object? sender, EventArgs e) => Signal(SigKill);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:[0-9]+)")]
    private static partial Regex Listening();
}

/// <summary>The answer of /health/ready: whether, or else why not.</summary>
public sealed record Readiness(bool Ready, string Text);
