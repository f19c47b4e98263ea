using VlWorker.Batching;
using VlWorker.Hosting;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Hosting;

public sealed class DevicePlanTests
{
    private readonly List<DeviceName> _reported = [];

    [Fact]
    public void Without_a_list_the_processor_runs_every_model_as_the_batching_settings_say()
    {
        var device = Assert.Single(Resolve(new InferenceOptions()));

        Assert.Equal((DeviceName.Cpu, 3, 24), (device.Name, device.Spec.Streams, device.Spec.MaxBatch));
        Assert.Equal(["demo-captioner", "demo-clip"], device.Models.Select(model => model.Alias));
    }

    [Fact]
    public void A_device_may_have_its_own_streams_batches_and_models()
    {
        var plan = Resolve(new InferenceOptions
        {
            Models = [Model("a"), Model("b", "cpu"), Model("c", "cuda:1", "cuda:0")],
            Devices = [new() { Name = "cuda:0", MaxBatch = 256 }, new() { Name = "cuda:1", Streams = 1 }, new() { Name = "cpu", Streams = 5 }],
        });

        Assert.Equal(["cuda:0 2 256 a,c", "cuda:1 1 24 a,c", "cpu 5 24 a,b"], plan.Select(Text));
        Assert.Empty(_reported);
    }

    [Fact]
    public void Beside_a_gpu_the_processor_leaves_cores_to_what_feeds_it()
    {
        var options = new InferenceOptions { Devices = [new() { Name = "cuda:0" }, new() { Name = "cpu" }] };

        var plan = new DevicePlan(options, new BatchingOptions()).Configured();

        Assert.Equal(Math.Max(1, Environment.ProcessorCount - 2), plan[1].Spec.Streams);
    }

    [Fact]
    public void A_gpu_that_can_not_be_used_stops_the_start_with_the_reason_and_the_remedy()
    {
        var options = new InferenceOptions { Devices = [new() { Name = "cuda:0" }, new() { Name = "cuda:1" }, new() { Name = "cpu" }] };

        var error = Assert.Throws<StartupException>(() => Resolve(options, "cuda:1"));

        Assert.Contains("cuda:1 can't be used: broken", Assert.Single(error.Errors), StringComparison.Ordinal);
        Assert.Contains("AllowCpuFallback", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cuda:0,cpu", "cpu 3 24 a,b,c")]
    [InlineData("cuda:0", "cpu 3 24 a,c")]
    [InlineData("cuda:0,cuda:1", "cuda:1 2 24 a")]
    public void If_it_is_allowed_the_processor_takes_over_what_nobody_else_has(string devices, string expected)
    {
        // b is the processor's own, c the broken GPU's; a is everyone's.
        var names = devices.Split(',');
        var plan = Resolve(
            new InferenceOptions
            {
                Models = [Model("a"), .. names.Contains("cpu") ? [Model("b", "cpu")] : Array.Empty<ModelOptions>(),
                    .. names.Contains("cuda:1") ? [] : new[] { Model("c", "cuda:0") }],
                Devices = [.. names.Select(name => new DeviceOptions { Name = name })],
                AllowCpuFallback = true,
            },
            "cuda:0");

        Assert.Equal(expected, string.Join("; ", plan.Select(Text)));
        Assert.Equal([DeviceName.Parse("cuda:0")], _reported);
    }

    private IReadOnlyList<PlannedDevice> Resolve(InferenceOptions options, params string[] broken) =>
        new DevicePlan(options, new BatchingOptions { Streams = 3, MaxBatch = 24 })
            .Resolve(device => broken.Contains(device.ToString()) ? "broken" : null, (device, _) => _reported.Add(device));

    private static ModelOptions Model(string alias, params string[] devices) => new() { Alias = alias, Folder = "f", Devices = devices };

    private static string Text(PlannedDevice device) =>
        $"{device.Name} {device.Spec.Streams} {device.Spec.MaxBatch} {string.Join(',', device.Models.Select(model => model.Alias))}";
}
