using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Hosting;

/// <summary>Models and devices as the settings name them, with a build that has no GPU.</summary>
public sealed class ModelSetupTests
{
    private static readonly string Folder = FixtureArchive.Extract("clip-tiny");

    [Fact]
    public void Each_device_has_its_own_copy_under_one_revision()
    {
        using var registry = Load(new InferenceOptions { Models = [Model("clip")], Devices = [Device("cpu"), Device("cpu:1")] });

        var model = Assert.Single(registry.All);
        var copies = registry.Devices.Select(device => device.Find("clip")!).ToArray();
        Assert.Equal(["cpu", "cpu:1"], registry.Devices.Select(device => device.Name));
        Assert.NotSame(copies[0], copies[1]);
        Assert.All(copies, copy => Assert.Equal(model.Reference, copy.Reference));
        Assert.Equal(ModelFolder.Open(Folder).ComputeRevision(), model.Reference.Revision);
    }

    [Fact]
    public void A_gpu_that_can_not_be_used_stops_the_start_unless_the_processor_may_take_over()
    {
        var options = new InferenceOptions { Models = [Model("clip")], Devices = [Device("cuda:0")] };

        Assert.Contains("-p:Gpu=true", Assert.Throws<StartupException>(() => Load(options)).Message, StringComparison.Ordinal);
        using var registry = Load(options with { AllowCpuFallback = true });

        var device = Assert.Single(registry.Devices);
        Assert.Equal(("cpu", "clip"), (device.Name, Assert.Single(device.Models).Reference.Alias));
    }

    [Fact]
    public void Entries_of_one_alias_with_different_files_need_leave()
    {
        var other = ModelFolders.CopyWithout(Folder);
        try
        {
            // Any file that belongs to the model counts.
            File.AppendAllText(Path.Combine(other, "preprocessor_config.json"), "\n");
            ModelOptions[] entries = [Model("clip") with { Devices = ["cpu"] }, Model("clip") with { Devices = ["cpu:1"], Folder = other }];
            var options = new InferenceOptions { Models = entries, Devices = [Device("cpu"), Device("cpu:1")] };

            Assert.Contains("AllowMixedRevisions", Assert.Throws<ModelFolderException>(() => Load(options)).Message, StringComparison.Ordinal);
            using var registry = Load(options with { Models = [.. entries.Select(entry => entry with { AllowMixedRevisions = true })] });

            Assert.NotEqual(ModelFolder.Open(Folder).ComputeRevision(), Assert.Single(registry.All).Reference.Revision);
            Assert.Single(registry.Devices.Select(device => Assert.Single(device.Models).Reference).Distinct());
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    public void The_order_of_the_models_decides_the_default_whatever_the_order_of_the_devices()
    {
        using var registry = Load(new InferenceOptions
        {
            Models = [Model("first") with { Devices = ["cpu:1"] }, Model("second") with { Devices = ["cpu"] }],
            Devices = [Device("cpu"), Device("cpu:1")],
        });

        Assert.Equal(["first", "second"], registry.All.Select(model => model.Reference.Alias));
        Assert.Equal("first", registry.DefaultFor("embedding")!.Reference.Alias);
    }

    private static ModelRegistry Load(InferenceOptions options) =>
        new ModelSetup(options, new BatchingOptions(), new WorkerMetrics(Metrics.NewCustomRegistry()), TimeProvider.System, NullLogger.Instance).Load();

    private static ModelOptions Model(string alias) => new() { Optimize = OptimizeChoice.Off, Alias = alias, Folder = Folder };

    private static DeviceOptions Device(string name) => new() { Name = name };
}
