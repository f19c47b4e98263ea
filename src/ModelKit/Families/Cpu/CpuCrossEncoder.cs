using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>An image encoder that also does what of a decoder depends on the image alone.</summary>
internal static class CpuCrossEncoder
{
    /// <summary>
    /// <see cref="CpuVision.Patches"/> -> for each block N of the decoder float <c>cross.N.key</c> and <c>cross.N.value</c>
    /// [batch, heads, positions, size].
    /// </summary>
    /// <param name="vision">The encoder; all its positions are wanted.</param>
    /// <param name="between">A layer between the two; null where there is none.</param>
    /// <param name="layers">The decoder's blocks.</param>
    /// <param name="normalization">How 8-bit pixels become the encoder's floats.</param>
    /// <param name="precision">Formats of the linear layers.</param>
    public static OnnxModel Build(
        VisionParameters vision, Linear? between, IReadOnlyList<DecoderLayer> layers, Normalization normalization, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var states = CpuVision.Encode(graph, blocks, vision, normalization, precision.Encoder);
        if (between is not null)
            states = blocks.Linears.Apply(states, between, precision.Encoder);
        blocks.OutputCross(states, layers, vision.Positions.Rows, precision.Encoder);
        return graph.Build();
    }
}
