using System.Diagnostics;

namespace VlWorker.Bench.Pipeline;

/// <summary>A broker and a store: those named by the environment, else private ones from Debian's packages, which end with this process.</summary>
internal sealed class Services : IDisposable
{
    private readonly List<(string Script, string Folder)> _started = [];
    private bool _own;

    private Services()
    {
    }

    /// <summary>AMQP address with user and password.</summary>
    public string Broker { get; private set; } = "";

    /// <summary>S3 address with the keys as user info.</summary>
    public Uri Store { get; private set; } = new("http://localhost");

    /// <summary>Finds or starts them.</summary>
    /// <param name="own">Starts private ones in any case: the benchmark takes them away.</param>
    public static Services Start(bool own = false)
    {
        var services = new Services { _own = own };
        services.Broker = services.Find("VLWORKER_TEST_RABBITMQ", "rabbitmq.sh");
        services.Store = new Uri(services.Find("VLWORKER_TEST_S3", "ceph.sh"));
        return services;
    }

    /// <summary>Runs a command of tests/infra/rabbitmq.sh on the private broker.</summary>
    public Task BrokerAsync(string command, params string[] arguments) => RunAsync("rabbitmq.sh", command, arguments);

    /// <summary>Runs a command of tests/infra/ceph.sh on the private store.</summary>
    public Task StoreAsync(string command) => RunAsync("ceph.sh", command);

    public void Dispose()
    {
        foreach (var (script, folder) in _started)
            Run(script, "remove", folder);
    }

    private string Find(string variable, string script)
    {
        if (!_own && Environment.GetEnvironmentVariable(variable) is { Length: > 0 } address)
            return address;
        var path = Path.Combine(Repository.Root, "tests", "infra", script);
        var folder = Directory.CreateTempSubdirectory("vl-bench-").FullName;
        _started.Add((path, folder));
        var output = Run(path, "start", folder, "--owner", Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return output.Split('\n').Select(line => line.Split('=', 2)).First(parts => parts[0].Trim() == variable)[1].Trim();
    }

    private Task RunAsync(string script, string command, params string[] arguments)
    {
        var (path, folder) = _started.First(started => Path.GetFileName(started.Script) == script);
        string[] owner = command.StartsWith("start", StringComparison.Ordinal) && script == "rabbitmq.sh"
            ? ["--owner", Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)]
            : [];
        return Task.Run(() => Run(path, [command, folder, .. owner, .. arguments]));
    }

    private static string Run(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true };
        start.ArgumentList.Add(script);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{Path.GetFileName(script)} {arguments[0]} failed");
    }
}
