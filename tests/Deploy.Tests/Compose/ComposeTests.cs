using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using VlWorker.Deploy.Tests.Docker;
using VlWorker.Hosting;

namespace VlWorker.Deploy.Tests.Compose;

public sealed class ComposeTests
{
    private static readonly ComposeFile Compose = ComposeFile.Load();

    [Fact]
    public void Every_service_is_pinned_hardened_and_refers_to_what_exists() =>
        Assert.Equal([], Compose.Problems(path => Path.Exists(Repository.At(path))));

    [Theory]
    [InlineData("worker")]
    [InlineData("worker-gpu")]
    public void The_worker_accepts_its_settings(string service)
    {
        var settings = Compose.Environment(service).ToDictionary(entry => entry.Key.Replace("__", ":", StringComparison.Ordinal), entry => (string?)entry.Value);

        var options = WorkerOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());

        Assert.Equal(["samples"], options.Store.Buckets);
        var grace = Compose.Services[service]["stop_grace_period"]!.ToString();
        Assert.True(int.Parse(grace.TrimEnd('s')) > options.Hosting.ShutdownSeconds, $"{grace} is not above Hosting:ShutdownSeconds");
    }

    [Fact]
    public void Without_a_profile_the_processor_works_and_the_profile_gpu_takes_its_place()
    {
        Assert.Equal("cpu", Compose.Variables["COMPOSE_PROFILES"]);
        Assert.Equal("cpu", Compose.Services["worker"]["profiles"]!.AsArray().Single()!.ToString());
        Assert.Equal("gpu", Compose.Services["worker-gpu"]["profiles"]!.AsArray().Single()!.ToString());
        Assert.Contains("gpu", Compose.Services["worker-gpu"]["deploy"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("worker", Compose.Services["worker-gpu"]["networks"]!["default"]!["aliases"]!.AsArray().Select(alias => alias!.ToString()));
    }

    [Fact]
    public void Images_of_ours_are_built_from_a_stage_that_exists()
    {
        foreach (var build in Compose.Services.Values.Select(service => service["build"]).OfType<JsonObject>())
        {
            var file = Dockerfile.Parse(File.ReadAllText(Repository.At(build["dockerfile"]!.ToString())));
            Assert.Contains(build["target"]!.ToString(), file.Stages.Select(stage => stage.Name));
        }
    }

    [Fact]
    public void The_brokers_users_have_the_passwords_that_the_services_give()
    {
        var users = JsonNode.Parse(File.ReadAllText(Repository.At("deploy/rabbitmq/definitions.json")))!["users"]!.AsArray();
        foreach (var (service, variable) in new[] { ("worker", "Broker__Uri"), ("samples-publish", "VLWORKER_BROKER_URI") })
        {
            var credentials = new Uri(Compose.Environment(service)[variable]).UserInfo.Split(':');
            var hash = Convert.FromBase64String(users.Single(user => user!["name"]!.ToString() == credentials[0])!["password_hash"]!.ToString());
            // RabbitMQ's format: four bytes of salt, then SHA-256 of the salt and the password.
            Assert.Equal(hash[4..], SHA256.HashData([.. hash[..4], .. Encoding.UTF8.GetBytes(credentials[1])]));
        }
    }

    [Fact]
    public async Task The_script_for_hashes_gives_the_hash_of_the_definitions()
    {
        var start = new System.Diagnostics.ProcessStartInfo("bash", [Repository.At("deploy/rabbitmq/hash-password.sh")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["SALT"] = "0f1e2d3c";
        using var process = System.Diagnostics.Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(Compose.Variables["BROKER_WORKER_PASSWORD"]);
        process.StandardInput.Close();

        Assert.Contains((await process.StandardOutput.ReadToEndAsync()).Trim(), await File.ReadAllTextAsync(Repository.At("deploy/rabbitmq/definitions.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_stores_users_have_the_keys_that_the_services_give_and_the_worker_may_only_read()
    {
        var identities = JsonNode.Parse(File.ReadAllText(Repository.At("deploy/seaweedfs/s3.json")))!["identities"]!.AsArray();
        var worker = Compose.Environment("worker");
        var loader = Compose.Environment("samples-upload");
        foreach (var (access, secret) in new[] { (worker["Store__AccessKey"], worker["Store__SecretKey"]), (loader["ACCESS_KEY"], loader["SECRET_KEY"]) })
        {
            Assert.Contains(identities, identity => identity!["credentials"]![0]!["accessKey"]!.ToString() == access
                && identity["credentials"]![0]!["secretKey"]!.ToString() == secret);
        }

        var actions = identities.Single(identity => identity!["name"]!.ToString() == "worker")!["actions"]!.AsArray().Select(action => action!.ToString());
        Assert.Equal(["List:samples", "Read:samples"], actions.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("image: a:latest", "has no version")]
    [InlineData("image: a:1.0\n    volumes: [./no/such:/x]", "there is no no/such")]
    [InlineData("image: a:1.0\n    volumes: [data:/x]", "not declared")]
    [InlineData("image: a:1.0\n    depends_on: { b: { condition: service_started } }", "which is not there")]
    [InlineData("image: a:1.0\n    ports: ['80:80']", "open to the network")]
    [InlineData("image: a:1.0\n    healtcheck: {}", "not a key")]
    [InlineData("image: a:1.0", "restarts unless")]
    public void The_rules_find_what_they_forbid(string service, string problem) => Assert.Contains(
        ComposeFile.Parse($"services:\n  a:\n    {service}\n", new Dictionary<string, string>()).Problems(path => Path.Exists(Repository.At(path))),
        found => found.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void A_variable_without_a_value_is_an_error() =>
        Assert.Throws<InvalidDataException>(() => ComposeFile.Parse("services: { a: { image: ${NOTHING} } }", new Dictionary<string, string>()));
}
