using Microsoft.Extensions.Configuration;
using VlWorker.Hosting;

namespace VlWorker.Deploy.Tests.Docker;

public sealed class DockerfileTests
{
    private static readonly DockerIgnore Ignore = new(File.ReadAllText(Repository.At(".dockerignore")));

    [Theory]
    [InlineData("worker.Dockerfile", "cpu", "gpu")]
    [InlineData("producer.Dockerfile", "producer")]
    public void The_images_keep_their_promises(string name, params string[] shipped)
    {
        var file = Read(name);

        Assert.Equal([], DockerfileRules.Check(file, InContext, shipped));
    }

    [Theory]
    [InlineData("src/Worker/Worker.csproj", false)]
    [InlineData("src/Worker/bin/Release/vl-worker.dll", true)]
    [InlineData("models/demo-clip/config.json", false)]
    [InlineData("tests/Worker.Tests/LayeringTests.cs", true)]
    [InlineData(".git/config", true)]
    [InlineData(".env", true)]
    public void The_context_holds_sources_and_nothing_else(string path, bool ignored) => Assert.Equal(ignored, Ignore.Ignores(path));

    [Fact]
    public void Every_project_is_copied_before_the_restore_so_that_code_alone_does_not_repeat_it()
    {
        foreach (var (name, project) in new[] { ("worker.Dockerfile", "Worker"), ("producer.Dockerfile", "Producer") })
        {
            var needed = Projects(project).SelectMany(path => new[] { $"src/{path}/{path}.csproj", $"src/{path}/packages.lock.json" });
            var stages = Read(name).Stages;
            var before = stages.TakeWhile(stage => stage.Name is "projects" or "build").SelectMany(stage => stage.Instructions)
                .TakeWhile(instruction => instruction.Name != "RUN").Where(instruction => instruction.Name == "COPY").SelectMany(copy => copy.Words).ToHashSet();

            Assert.Equal([], needed.Where(path => !before.Contains(path)));
        }
    }

    [Theory]
    [InlineData("cpu", "cpu")]
    [InlineData("gpu", "cuda:0")]
    public void The_worker_accepts_the_settings_that_an_image_brings(string stage, string device)
    {
        var settings = Read("worker.Dockerfile").Stages.Single(candidate => candidate.Name == stage).Of("ENV").SelectMany(entry => entry.Words)
            .Select(word => word.Split('=', 2)).Where(pair => pair[0].Contains("__", StringComparison.Ordinal))
            .ToDictionary(pair => pair[0].Replace("__", ":", StringComparison.Ordinal), pair => (string?)pair[1]);
        settings["Store:Buckets:0"] = "photos";

        var options = WorkerOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());

        Assert.Equal("/var/cache/vlworker", options.Inference.ModelCache);
        Assert.Equal("/var/lib/vlworker", options.Journal.Folder);
        Assert.Equal(device, options.Inference.Devices.Single().Name);
    }

    [Fact]
    public void What_a_project_takes_from_outside_its_folder_is_copied_too()
    {
        foreach (var (name, project) in new[] { ("worker.Dockerfile", "Worker"), ("producer.Dockerfile", "Producer") })
        {
            var outside = Projects(project).SelectMany(path => System.Xml.Linq.XDocument.Load(Repository.At($"src/{path}/{path}.csproj")).Descendants())
                .Where(item => item.Name.LocalName is "EmbeddedResource" or "None" or "Content" or "Compile" or "AdditionalFiles")
                .Select(item => (string?)item.Attribute("Include") ?? "").Where(path => path.StartsWith("../../", StringComparison.Ordinal)).Select(path => path[6..]).ToList();
            foreach (var stage in Read(name).Stages.Where(stage => stage.Name.StartsWith("build", StringComparison.Ordinal)))
            {
                var copied = stage.Of("COPY").SelectMany(copy => copy.Words).ToHashSet();
                Assert.Equal([], outside.Where(path => !copied.Contains(path)));
            }
        }
    }

    [Theory]
    [InlineData("FROM debian:latest AS a", "has no version")]
    [InlineData("FROM debian AS a", "has no version")]
    [InlineData("FROM debian:12.1-slim", "without a name")]
    [InlineData("FROM debian:12.1-slim AS a\nUSER root", "USER must be a number")]
    [InlineData("FROM debian:12.1-slim AS a\nUSER 0:0", "USER must be a number")]
    [InlineData("FROM debian:12.1-slim AS a\nCOPY no/such /x", "not in the build's context")]
    [InlineData("FROM debian:12.1-slim AS a\nCOPY --from=b /x /x", "no such earlier stage")]
    [InlineData("FROM debian:12.1-slim AS a\nRUN apt-get install curl", "belong into one RUN")]
    [InlineData("FROM debian:12.1-slim AS a\nENTRYPOINT /app/x", "shell's form")]
    [InlineData("FROM debian:12.1-slim AS a\nENV DB_PASSWORD=x", "a secret in ENV")]
    [InlineData("FROM debian:12.1-slim AS a\nADD http://x /x", "use COPY")]
    [InlineData("FROM debian:12.1-slim AS a\nARG VERSION=1\nRUN true", "ARG before RUN")]
    [InlineData("FROM debian:12.1-slim AS a\nWORKDIR /x", "HEALTHCHECK")]
    public void The_rules_find_what_they_forbid(string text, string problem) =>
        Assert.Contains(DockerfileRules.Check(Dockerfile.Parse(text), InContext, "a"), found => found.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("COPY a b")]
    [InlineData("FROM ${X} AS a")]
    [InlineData("FROM a:1.0 AS a\nRUNN x")]
    public void What_is_no_Dockerfile_is_refused(string text) => Assert.Throws<InvalidDataException>(() => Dockerfile.Parse(text));

    private static Dockerfile Read(string name) => Dockerfile.Parse(File.ReadAllText(Repository.At($"deploy/docker/{name}")));

    private static bool InContext(string path) => !Ignore.Ignores(path) && Path.Exists(Repository.At(path));

    private static IEnumerable<string> Projects(string project)
    {
        var file = System.Xml.Linq.XDocument.Load(Repository.At($"src/{project}/{project}.csproj"));
        return file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!))
            .SelectMany(Projects).Append(project).Distinct();
    }
}
