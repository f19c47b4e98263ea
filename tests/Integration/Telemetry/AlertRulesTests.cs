using System.Diagnostics;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>Prometheus' own promtool reads deploy/prometheus, and plays recorded series against the alert rules.</summary>
public sealed class AlertRulesTests
{
    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "alerts.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task Promtool_accepts(params string[] arguments)
    {
        var (code, output) = await RunAsync(Repository.At("deploy", "prometheus"), arguments);

        Assert.True(code == 0 && output.Contains("SUCCESS", StringComparison.Ordinal), output);
    }

    /// <summary>A rule that never fires would pass unseen if promtool did not say so.</summary>
    [Fact]
    public async Task Promtool_refuses_a_rule_that_does_not_fire_when_it_should()
    {
        var folder = Repository.NewFolder("alerts");
        foreach (var file in (string[])["alerts.yml", "alerts.test.yml"])
        {
            var text = await File.ReadAllTextAsync(Repository.At("deploy", "prometheus", file));
            await File.WriteAllTextAsync(Path.Combine(folder, file), text.Replace("vlworker_consuming == 0", "vlworker_consuming == 2", StringComparison.Ordinal));
        }

        var (code, output) = await RunAsync(folder, "test", "rules", "alerts.test.yml");
        Directory.Delete(folder, recursive: true);

        Assert.True(code != 0 && output.Contains("VlWorkerNotConsuming", StringComparison.Ordinal), output);
    }

    private static async Task<(int Code, string Output)> RunAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("promtool", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("promtool did not start");
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
