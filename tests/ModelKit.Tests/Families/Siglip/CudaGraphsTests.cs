using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Siglip;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Families.Siglip;

public sealed class CudaGraphsTests
{
    [Theory]
    [InlineData(true, 8, true)]
    [InlineData(true, 12, false)]
    [InlineData(false, 8, false)]
    public void Padding_is_masked_in_the_form_that_the_kernel_for_the_floats_and_heads_takes(bool half, int headSize, bool fused)
    {
        var siglip = (SiglipParameters)SourceModel.OpenCheckpoint(FixtureArchive.Extract("siglip2-naflex")).ReadParameters();
        var vision = siglip.Vision with { Layers = [.. siglip.Vision.Layers.Select(layer => layer with { HeadSize = headSize })] };
        var graph = CudaGraphs.Vision(
            siglip with { Vision = vision }, CpuSession.Normalization, half ? ElementType.Float16 : ElementType.Float).Graph;

        var mask = fused ? PaddedPatches.FusedMask : PaddedPatches.Counts;
        var attention = graph.Node.Where(node => node.OpType == "MultiHeadAttention").ToList();
        Assert.Equal(vision.Layers.Count, attention.Count);
        Assert.All(attention, node => Assert.Equal(mask, node.Input[4]));
        string[] inputs = [PaddedPatches.ColumnWeights, mask, VisionTower.Pixels, PaddedPatches.RowWeights];
        Assert.Equal(inputs.Order(StringComparer.Ordinal), graph.Input.Select(input => input.Name).Order(StringComparer.Ordinal));
    }
}
