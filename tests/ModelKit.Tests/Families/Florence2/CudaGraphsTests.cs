using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Florence2;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Florence2;

/// <summary>The graphs for CUDA in 32-bit floats, which run on the processor, too.</summary>
public sealed class CudaGraphsTests
{
    [Theory]
    [InlineData(32, 32, 0)] // gammas near zero: biases go through a column of ones
    [InlineData(32, 32, 2)] // gammas from 1 to 3: biases are folded into weights
    [InlineData(36, 20, 2)] // windows are filled up: there, norms stay as they are
    public void The_image_tower_gives_the_reference_s_tokens(int width, int height, float gamma)
    {
        var tiny = new TinyFlorence(width, height, gamma);
        using var session = new CpuSession(CudaGraphs.Vision(tiny.Parameters, CpuSession.Normalization, ElementType.Float));
        using var pixels = OrtValue.CreateTensorValueFromMemory([.. tiny.Bytes, .. tiny.Bytes], [2, height, width, 3]);
        using var results = session.Run(new Dictionary<string, OrtValue> { [CudaDavit.Pixels] = pixels }, [PromptedNames.Features]);

        Assert.Equal([2, tiny.Vision.Tokens, TinyModels.TextWidth], results[0].GetTensorTypeAndShape().Shape);
        CpuSession.Close([.. tiny.Tokens(), .. tiny.Tokens()], results[0].GetTensorDataAsSpan<float>(), 1e-4);
    }

    [Fact]
    public void In_16_bits_convolutions_take_channels_last_and_those_of_blocks_are_one_with_their_norms()
    {
        var tiny = new TinyFlorence(32, 32, 2);
        var graph = CudaGraphs.Vision(tiny.Parameters, CpuSession.Normalization, ElementType.Float16).Graph;
        var convolutions = graph.Node.Count(static node => node.OpType == "NhwcConv");
        var fused = graph.Node.Where(static node => node.Domain == FusedNames.Domain && node.OpType.EndsWith("DepthwiseNorm", StringComparison.Ordinal)).ToList();
        // Of each block two, where its channels fit the kernel, and of each stage one.
        Assert.Equal((6, 4), (convolutions, fused.Count));
        // What an attention gave is added up by the one behind it; what a feed-forward part gave was added by its last product.
        Assert.Equal([FusedNames.DepthwiseNorm, FusedNames.SumDepthwiseNorm, FusedNames.DepthwiseNorm, FusedNames.SumDepthwiseNorm], fused.Select(static node => node.OpType));
        Assert.Equal(2, graph.Node.Count(static node => node.OpType == FusedNames.SumLinear));
        Assert.DoesNotContain(graph.Node, node => node.OpType == "Conv");
    }
}
