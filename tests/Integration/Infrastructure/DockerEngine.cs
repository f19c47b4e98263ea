using System.Diagnostics;

namespace VlWorker.Integration.Infrastructure;

/// <summary>A Docker engine, if there is one.</summary>
internal static class DockerEngine
{
    /// <summary>The broker's image; VLWORKER_TEST_RABBITMQ_IMAGE names another.</summary>
    public static string Image { get; } = Environment.GetEnvironmentVariable("VLWORKER_TEST_RABBITMQ_IMAGE") is { Length: > 0 } given
        ? given
        : "rabbitmq:4.1-management";

    /// <summary>Whether an engine answers and has the image, or can pull it.</summary>
    public static async Task<bool> HasImageAsync() =>
        await DockerAsync(TimeSpan.FromSeconds(10), "version") &&
        (await DockerAsync(TimeSpan.FromSeconds(10), "image", "inspect", Image) || await DockerAsync(TimeSpan.FromMinutes(3), "pull", "--quiet", Image));

    private static async Task<bool> DockerAsync(TimeSpan limit, params string[] arguments)
    {
        var start = new ProcessStartInfo("docker", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            using var timeout = new CancellationTokenSource(limit);
            var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            var errors = process.StandardError.ReadToEndAsync(timeout.Token);
            try
            {
                await Task.WhenAll(output, errors, process.WaitForExitAsync(timeout.Token));
                return process.ExitCode == 0;
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return false;
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // no docker on the PATH
        }
    }
}
