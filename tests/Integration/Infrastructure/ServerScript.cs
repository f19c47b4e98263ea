using System.Diagnostics;

namespace VlWorker.Integration.Infrastructure;

/// <summary>A server that one of the scripts in tests/infra runs in a folder of its own. It never outlives this process.</summary>
internal sealed class ServerScript(string script, string folder, IReadOnlyDictionary<string, string>? environment = null)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    public string Folder { get; } = folder;

    /// <summary>Starts the server and returns what it printed: a line NAME=VALUE for each URI.</summary>
    public async Task<IReadOnlyDictionary<string, string>> StartAsync()
    {
        var output = await RunAsync("start", "--owner", Environment.ProcessId.ToString());
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split('=', 2))
            .Where(static pair => pair.Length == 2)
            .ToDictionary(static pair => pair[0], static pair => pair[1]);
    }

    /// <summary>Runs a command of the script and returns what it printed.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has what it wrote.</exception>
    public async Task<string> RunAsync(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in (string[])[Repository.At("tests", "infra", script), command, Folder, .. arguments])
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        using var process = Process.Start(start) ?? throw new InvalidOperationException("bash did not start");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{script} {command} did not end within {Limit.TotalMinutes} min");
        }

        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{script} {command} failed with {process.ExitCode}:\n{await errors}{await output}");
        return await output;
    }

    /// <summary>Ends the server and removes its folder.</summary>
    public Task RemoveAsync() => Directory.Exists(Folder) ? RunAsync("remove") : Task.CompletedTask;
}
