using System.Diagnostics;
using System.IO.Compression;

namespace VlWorker.Contracts.Tests;

/// <summary>The package is what a stranger gets: it holds what it should, and a program with nothing but it works.</summary>
public sealed class PackageTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_program_writes_and_reads_messages_with_the_package_alone()
    {
        var packages = Path.Combine(_folder, "packages");
        await DotnetAsync(Repository.Root, "pack", "src/Contracts", "-c", "Release", "-o", packages, "-p:Version=9.8.7", "-p:ContinuousIntegrationBuild=true",
            $"-p:BaseOutputPath={Path.Combine(_folder, "bin")}/", "-v", "quiet");
        var package = Assert.Single(Directory.GetFiles(packages, "*.nupkg"));
        Assert.Single(Directory.GetFiles(packages, "*.snupkg"));
        AssertContent(package);

        var output = await ConsumeAsync(packages);

        Assert.Equal(
            ["""{"id":"1","image":{"bucket":"photos","key":"旅行.jpg"},"tasks":["caption"]}""", "not-found: no such key", "vl.requests interactive"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static void AssertContent(string package)
    {
        using var archive = ZipFile.OpenRead(package);
        string[] expected = ["lib/net10.0/VlWorker.Contracts.dll", "lib/net10.0/VlWorker.Contracts.xml", "README.md"];
        Assert.Empty(expected.Except(archive.Entries.Select(entry => entry.FullName)));
        using var reader = new StreamReader(archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open());
        var manifest = reader.ReadToEnd();
        Assert.Contains("<license type=\"expression\">MIT</license>", manifest, StringComparison.Ordinal);
        Assert.Contains("<readme>README.md</readme>", manifest, StringComparison.Ordinal);
        Assert.DoesNotContain("<dependency ", manifest, StringComparison.Ordinal);
    }

    private async Task<string> ConsumeAsync(string packages)
    {
        var program = Directory.CreateDirectory(Path.Combine(_folder, "program")).FullName;
        await File.WriteAllTextAsync(Path.Combine(program, "Directory.Build.props"), "<Project />");
        await File.WriteAllTextAsync(Path.Combine(program, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_folder, "cache")}" /></config>
              <packageSources><clear /><add key="local" value="{packages}" /></packageSources>
            </configuration>
            """);
        await File.WriteAllTextAsync(Path.Combine(program, "program.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit>
                <UseAppHost>false</UseAppHost><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup>
              <ItemGroup><PackageReference Include="VlWorker.Contracts" Version="9.8.7" /></ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(program, "Program.cs"), """
            using VlWorker.Contracts;
            System.Console.OutputEncoding = new System.Text.UTF8Encoding(false);
            var request = new DescribeImage { Id = "1", Image = new ImageReference { Bucket = "photos", Key = "旅行.jpg" }, Tasks = [Tasks.Caption] };
            System.Console.WriteLine(System.Text.Encoding.UTF8.GetString(ContractsJson.Write(request)));
            var answer = Answer.Read("{\"id\":\"1\",\"reason\":\"not-found\",\"detail\":\"no such key\",\"rejectedAt\":\"2026-11-23T12:00:00Z\"}"u8);
            System.Console.WriteLine($"{answer.Rejection!.Reason}: {answer.Rejection.Detail}");
            System.Console.WriteLine($"{Topology.RequestsExchange} {Topology.InteractiveRoutingKey}");
            """);
        await DotnetAsync(program, "build", "-v", "quiet", "-o", Path.Combine(_folder, "out"));
        return await DotnetAsync(program, Path.Combine(_folder, "out", "program.dll"));
    }

    private static async Task<string> DotnetAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: {await output}{await error}");
        return await output;
    }
}
