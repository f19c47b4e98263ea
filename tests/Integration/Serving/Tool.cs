using System.Diagnostics;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Serving;

/// <summary>Runs other people's programs.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to its end; returns what it wrote, and fails with what it said if it fails.</summary>
    public static async Task<string> RunAsync(string program, string? folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}\n{await errors}\n{await output}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}

/// <summary>The npm packages of these tests, installed from the registry into a folder that goes with the tests.</summary>
public sealed class NpmPackages : IAsyncLifetime
{
    /// <summary>The folder.</summary>
    public string Folder { get; } = Repository.NewFolder("npm");

    public async Task InitializeAsync()
    {
        foreach (var file in Directory.GetFiles(Repository.At("tests", "Integration", "Serving", "npm")))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        await Tool.RunAsync("npm", Folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}
