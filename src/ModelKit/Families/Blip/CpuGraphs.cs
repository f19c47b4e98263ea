using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Blip;

/// <summary>BLIP's two graphs for the CPU, called as those of any captioner; the decoder is that of BLIP's question answering, too.</summary>
internal static class CpuGraphs
{
    /// <summary>The encoder, see <see cref="CpuCrossEncoder"/>.</summary>
    public static OnnxModel Encoder(BlipParameters parameters, Normalization normalization, CpuPrecision precision) =>
        CpuCrossEncoder.Build(parameters.Vision, null, parameters.Text.Layers, normalization, precision);

    /// <summary>One step of the decoder, see <see cref="VisionEncoderDecoder.CpuGraphs.Decoder"/>.</summary>
    /// <param name="text">The decoder.</param>
    /// <param name="precision">Formats of the linear layers.</param>
    /// <param name="positions">Positions that it attends to; null where rows have different numbers of them, and a mask says which are padding.</param>
    public static OnnxModel Decoder(BertParameters text, CpuPrecision precision, int? positions = null)
    {
        var graph = new GraphBuilder();
        var step = new CpuDecoderStep(
            graph, text.Layers, text.Activation, positions is { } all ? all : "positions", precision.Decoder, masked: positions is null);
        var (blocks, linears) = (step.Blocks, step.Blocks.Linears);
        var states = step.Run(blocks.Norm(step.Embed(text.TokenEmbedding, text.Positions), text.EmbeddingNorm));
        states = blocks.Norm(blocks.Activate(linears.Apply(states, text.Transform, precision.Decoder), text.Activation), text.TransformNorm);
        var logits = graph.Node("Add", [linears.ApplyTransposed(states, text.Head, precision.Head), blocks.Vector(text.HeadBias)]);
        graph.Output(logits, "logits", ElementType.Float, "images", "beams", text.Vocabulary);
        step.OutputCache();
        return graph.Build();
    }
}
