using Microsoft.Extensions.Configuration;
using VlWorker.Hosting;

namespace VlWorker.Worker.Tests.Hosting;

public sealed class WorkerOptionsTests
{
    private static readonly Dictionary<string, string?> Valid = new() { ["Store:Buckets:0"] = "photos" };

    [Fact]
    public void Defaults_with_one_bucket_are_valid() => Assert.Equal(["photos"], Read([]).Store.Buckets);

    [Fact]
    public void All_errors_are_reported_at_once_each_with_the_name_of_its_setting()
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Batching:MaxBatch"] = "many",
            ["Batching:MaxWaitMs"] = "-1",
            ["Batching:MaxBach"] = "8",
            ["Broker:Transport"] = "Kafka",
            ["Broker:Uri"] = "http://localhost",
            ["Store:AccessKey"] = "key-without-secret",
            ["Serving:Urls"] = "nowhere",
            ["Inference:Models:0:Alias"] = "twice",
            ["Inference:Models:0:Folder"] = "a",
            ["Inference:Models:1:Alias"] = "twice",
            ["Inference:Models:1:Folder"] = "b",
        }));
        foreach (var setting in (string[])["Batching:MaxBatch", "Batching:MaxWaitMs", "Batching:MaxBach", "Broker:Transport", "Broker: Uri", "Store:AccessKey", "Serving: Urls", "Inference: Models"])
            Assert.Contains(error.Errors, message => message.StartsWith(setting, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_secret_is_in_an_error()
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Broker:Uri"] = "amqp://user:p4ssw0rd@host:port-is-no-number/",
            ["Store:SecretKey"] = "s3cr3t",
        }));
        Assert.DoesNotContain("p4ssw0rd", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Consuming:InteractivePrefetch", "8", "interactive")]
    [InlineData("Consuming:TextPrefetch", "15", "text")]
    public void A_prefetch_that_can_never_fill_a_batch_is_refused(string setting, string value, string lane)
    {
        var error = Assert.Throws<StartupException>(() => Read(new() { ["Batching:MaxBatch"] = "16", [setting] = value }));
        Assert.Contains(lane, Assert.Single(error.Errors), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_models_share_that_can_never_fill_a_batch_is_refused()
    {
        var error = Assert.Throws<StartupException>(() => Read(new() { ["Inference:Models:0:Alias"] = "a", ["Inference:Models:0:Folder"] = "f", ["Inference:Models:0:MaxInFlight"] = "8" }));
        Assert.Contains("MaxInFlight of 'a' is 8: a batch of 16", Assert.Single(error.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_misspelt_setting_of_a_model_or_a_device_is_refused()
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Inference:Models:0:Alias"] = "a",
            ["Inference:Models:0:Folder"] = "f",
            ["Inference:Models:0:Laod"] = "OnDemand",
            ["Inference:Devices:0:Name"] = "cpu",
            ["Inference:Devices:0:Steams"] = "2",
        }));
        Assert.Equal(["Inference:Devices:0:Steams: there is no such setting", "Inference:Models:0:Laod: there is no such setting"], error.Errors.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_drain_longer_than_the_shutdown_is_refused()
    {
        var error = Assert.Throws<StartupException>(() => Read(new() { ["Consuming:GracePeriod"] = "00:02:00", ["Hosting:ShutdownSeconds"] = "60" }));
        Assert.Contains("ShutdownSeconds", Assert.Single(error.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_models_replaces_the_default_list()
    {
        var options = Read(new() { ["Inference:Models:0:Alias"] = "mine", ["Inference:Models:0:Folder"] = "some/where", ["Inference:Models:0:IntraOpThreads"] = "4" });
        var model = Assert.Single(options.Inference.Models);
        Assert.Equal(("mine", "some/where", 4), (model.Alias, model.Folder, model.IntraOpThreads));
    }

    [Fact]
    public void A_model_on_demand_runs_on_the_processor_and_all_its_copies_come_and_go_together()
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Inference:Devices:0:Name"] = "cpu",
            ["Inference:Devices:1:Name"] = "cuda:0",
            ["Inference:Models:0:Alias"] = "a",
            ["Inference:Models:0:Folder"] = "f",
            ["Inference:Models:0:Load"] = "OnDemand",
            ["Inference:Models:0:Devices:0"] = "cpu",
            ["Inference:Models:1:Alias"] = "a",
            ["Inference:Models:1:Folder"] = "f",
            ["Inference:Models:1:Devices:0"] = "cuda:0",
            ["Inference:Models:2:Alias"] = "b",
            ["Inference:Models:2:Folder"] = "f",
            ["Inference:Models:2:Load"] = "OnDemand",
            ["Inference:ModelMemoryBytes"] = "-1",
            ["Inference:ModelWait"] = "00:00:00",
            ["Inference:Models:0:MaxInFlight"] = "32",
        }));

        foreach (var text in (string[])["entries of 'a' differ in Load", "Inference:ModelMemoryBytes", "Inference:ModelWait", "entries of 'a' differ in MaxInFlight"])
            Assert.Contains(error.Errors, message => message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void Devices_that_do_not_fit_the_models_are_refused()
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Inference:Devices:0:Name"] = "cuda:0",
            ["Inference:Devices:1:Name"] = "gpu",
            ["Inference:Devices:2:Name"] = "cuda",
            ["Inference:Devices:3:Name"] = "cpu",
            ["Inference:Models:0:Alias"] = "a",
            ["Inference:Models:0:Folder"] = "f",
            ["Inference:Models:0:Devices:0"] = "cuda:0",
            ["Inference:Models:1:Alias"] = "a",
            ["Inference:Models:1:Folder"] = "f",
            ["Inference:Models:1:Devices:0"] = "cuda:0",
            ["Inference:Models:1:Devices:1"] = "cuda:7",
        }));

        foreach (var text in (string[])["'gpu' is no device", "cuda:0 is there twice", "cpu has no model", "two models are called 'a' on cuda:0", "'cuda:7', which is not in Devices"])
            Assert.Contains(error.Errors, message => message.Contains(text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cuda:0", "MaxBatch of cuda:0", "MaxBatch", "128")]
    [InlineData("cpu", "MaxBatch x Streams", "Streams", "200")]
    public void A_prefetch_that_does_not_feed_the_devices_is_refused(string device, string expected, string setting, string value)
    {
        var error = Assert.Throws<StartupException>(() => Read(new()
        {
            ["Inference:Devices:0:Name"] = device,
            [$"Inference:Devices:0:{setting}"] = value,
        }));

        Assert.Contains(error.Errors, message => message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_setting_is_in_the_reference_and_docs_configuration_is_the_reference()
    {
        var reference = ConfigurationReference.Markdown();
        foreach (var (section, type) in WorkerOptions.Sections)
        {
            foreach (var property in OptionsReader.Settings(type))
                Assert.Contains($"| {section}:{property.Name} |", reference, StringComparison.Ordinal);
        }

        var page = File.ReadAllText(ResourcePath.Resolve(Path.Combine("docs", "configuration.md")));
        Assert.True(page == reference, "docs/configuration.md is out of date: dotnet run --project src/Worker -- config > docs/configuration.md");
    }

    private static WorkerOptions Read(Dictionary<string, string?> settings) =>
        WorkerOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(Valid).AddInMemoryCollection(settings).Build());
}
