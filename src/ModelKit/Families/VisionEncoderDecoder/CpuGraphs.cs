using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder;

/// <summary>A captioner's two graphs for the CPU: what of the decoder depends on the image alone is part of the encoder.</summary>
internal static class CpuGraphs
{
    /// <summary>The encoder, see <see cref="CpuCrossEncoder"/>.</summary>
    public static OnnxModel Encoder(VisionEncoderDecoderParameters parameters, Normalization normalization, CpuPrecision precision) =>
        CpuCrossEncoder.Build(parameters.Encoder, parameters.EncoderToDecoder, parameters.Decoder.Layers, normalization, precision);

    /// <summary>
    /// One step of the decoder. A row is a sequence: each of the images has the same number of them, its beams, side by side. Inputs:
    /// int64 <c>input_ids</c> [images, beams]; int64 <c>position</c> [1], the same for all rows; int32 <c>past_lengths</c> [rows], all of them
    /// position; int32 <c>total_length</c> [], position + 1; <c>past.N.key</c> and <c>.value</c> [rows, heads, capacity, size];
    /// <c>cross.N.key</c> and <c>.value</c> [images, heads, positions, size]. Outputs: float <c>logits</c> [images, beams, vocabulary];
    /// <c>present.N.key</c> and <c>.value</c>, which must be bound to the memory of the past ones: a step adds its own position in place.
    /// </summary>
    public static OnnxModel Decoder(VisionEncoderDecoderParameters parameters, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var decoder = parameters.Decoder;
        var step = new CpuDecoderStep(graph, decoder.Layers, decoder.Activation, parameters.Encoder.Positions.Rows, precision.Decoder);
        var states = step.Run(step.Embed(decoder.TokenEmbedding, decoder.Positions));
        var logits = step.Blocks.Linears.ApplyTransposed(
            step.Blocks.Norm(states, decoder.FinalNorm), decoder.Head ?? decoder.TokenEmbedding, precision.Head);
        graph.Output(logits, "logits", ElementType.Float, "images", "beams", decoder.Vocabulary);
        step.OutputCache();
        return graph.Build();
    }
}
