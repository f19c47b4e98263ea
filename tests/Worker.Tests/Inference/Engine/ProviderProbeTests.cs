using VlWorker.Inference;
using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class ProviderProbeTests
{
    [Fact]
    public void The_probe_really_runs_and_tells_who_ran_each_node()
    {
        var result = ProviderProbe.Run(DeviceName.Cpu);

        Assert.NotEmpty(result.Providers);
        Assert.All(result.Providers.Values, provider => Assert.Equal("CPUExecutionProvider", provider));
        Assert.InRange(result.Deviation, 0, 1e-3);
    }

    [Fact]
    public void Without_a_gpu_build_a_gpu_is_a_problem_with_a_reason_and_the_probe_fails()
    {
        Assert.Contains("-p:Gpu=true", CudaDevice.Problem(DeviceName.Parse("cuda:0")), StringComparison.Ordinal);
        Assert.Throws<ProbeException>(() => ProviderProbe.Run(DeviceName.Parse("cuda:0")));
    }

    [Fact]
    public void Only_events_of_nodes_count()
    {
        const string profile = """
            [{"cat":"Session","name":"model_loading_array","args":{}},
             {"cat":"Node","name":"MatMul_0_kernel_time","args":{"op_name":"MatMul","provider":"CUDAExecutionProvider","node_index":"0"}},
             {"cat":"Node","name":"MatMul_0_fence_before","args":{"op_name":"MatMul"}},
             {"cat":"Node","name":"Relu_1_kernel_time","args":{"provider":"CPUExecutionProvider"}},
             {"cat":"Session","name":"SequentialExecutor::Execute","args":{}}]
            """;

        Assert.Equal(
            new Dictionary<string, string> { ["MatMul_0_kernel_time"] = "CUDAExecutionProvider", ["Relu_1_kernel_time"] = "CPUExecutionProvider" },
            ProviderProbe.Providers(profile));
    }
}
