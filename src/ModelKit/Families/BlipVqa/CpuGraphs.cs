using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.BlipVqa;

/// <summary>BLIP's question answering for the CPU: image, question about it; the answer's steps are those of <see cref="Blip.CpuGraphs.Decoder"/>.</summary>
internal static class CpuGraphs
{
    /// <summary>The image tower: <see cref="CpuVision.Patches"/> -> float <see cref="CpuLayout.Features"/> [batch, positions, D].</summary>
    public static OnnxModel Vision(BlipVqaParameters parameters, Normalization normalization, CpuPrecision precision)
    {
        var (graph, vision) = (new GraphBuilder(), parameters.Vision);
        var states = CpuVision.Encode(graph, new CpuBlocks(graph), vision, normalization, precision.Encoder);
        graph.Output(states, CpuLayout.Features, ElementType.Float, "batch", vision.Positions.Rows, vision.HiddenSize);
        return graph.Build();
    }

    /// <summary>
    /// The encoder: float <see cref="CpuLayout.Features"/> [batch, image positions, D], int64 <see cref="CpuLayout.Prompt"/> [batch, length] of the
    /// question -> for each layer N of the decoder float <c>cross.N.key</c> and <c>cross.N.value</c> [batch, heads, length, size].
    /// </summary>
    public static OnnxModel Encoder(BlipVqaParameters parameters, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var (vision, question, format) = (parameters.Vision, parameters.Question, precision.Encoder);
        var image = graph.Input(CpuLayout.Features, ElementType.Float, "batch", vision.Positions.Rows, vision.HiddenSize);
        var ids = graph.Input(CpuLayout.Prompt, ElementType.Int64, "batch", "length");
        var states = blocks.Norm(blocks.Embed(question.TokenEmbedding, question.Positions, ids, format), question.EmbeddingNorm);
        foreach (var layer in question.Layers)
            states = blocks.Read(states, image, layer, question.Activation, format);
        blocks.OutputCross(states, parameters.Answer.Layers, "length", format);
        return graph.Build();
    }
}
