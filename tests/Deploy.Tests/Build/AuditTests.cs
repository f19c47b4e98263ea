using System.Diagnostics;

namespace VlWorker.Deploy.Tests.Build;

/// <summary>A package with a known vulnerability fails the build: restored for real, with this repository's settings, from a source that knows one.</summary>
public sealed class AuditTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-audit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, "NU1902")]
    [InlineData(3, "NU1904")]
    public async Task A_known_vulnerability_is_an_error(int severity, string code)
    {
        var (exit, output) = await RestoreAsync(severity, "[1.0.0, 2.0.0)");

        Assert.NotEqual(0, exit);
        Assert.Contains($"error {code}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_without_one_is_restored()
    {
        var (exit, output) = await RestoreAsync(3, "[0.1.0, 1.0.0)");

        Assert.True(exit == 0, output);
    }

    [Fact]
    public void No_project_looks_away()
    {
        var projects = new[] { "src", "tests", "bench" }.SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*.csproj", SearchOption.AllDirectories))
            .Append(Repository.At("Directory.Build.props")).Append(Repository.At("Directory.Packages.props")).ToList();

        Assert.True(projects.Count > 8);
        Assert.Equal([], projects.Where(project => File.ReadAllText(project).Contains("NuGetAuditSuppress", StringComparison.Ordinal)));
    }

    private async Task<(int Exit, string Output)> RestoreAsync(int severity, string range)
    {
        using var source = new PackageSource(severity, range);
        await File.WriteAllTextAsync(Path.Combine(_folder, "Directory.Build.props"), $"""<Project><Import Project="{Repository.At("Directory.Build.props")}" /></Project>""");
        await File.WriteAllTextAsync(Path.Combine(_folder, "nuget.config"), $"""
            <configuration><packageSources><clear /><add key="test" value="{source.Index}" allowInsecureConnections="true" /></packageSources></configuration>
            """);
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "a.csproj"), """<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><PackageReference Include="Shaky" Version="1.0.0" /></ItemGroup></Project>""");
        var start = new ProcessStartInfo("dotnet", ["restore", "--disable-build-servers", "-nodeReuse:false", "--no-http-cache"])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_folder, "packages");
        start.Environment["NUGET_HTTP_CACHE_PATH"] = Path.Combine(_folder, "cache");
        start.Environment.Remove("CI");
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return (process.ExitCode, await output + await errors);
    }
}
