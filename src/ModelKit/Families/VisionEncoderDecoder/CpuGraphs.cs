using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder;

/// <summary>A captioner's two graphs for the CPU: what of the decoder depends on the image alone is part of the encoder.</summary>
internal static class CpuGraphs
{
    /// <summary>
    /// The encoder: <see cref="CpuVision.Patches"/> -> for each layer N of the decoder float <c>cross.N.key</c> and <c>cross.N.value</c>
    /// [batch, heads, positions, size].
    /// </summary>
    public static OnnxModel Encoder(VisionEncoderDecoderParameters parameters, Normalization normalization, CpuPrecision precision)
    {
        var graph = new GraphBuilder();
        var blocks = new CpuBlocks(graph);
        var vision = parameters.Encoder;
        var states = CpuVision.Embed(graph, blocks, vision, normalization, precision.Encoder);
        foreach (var layer in vision.Layers)
            states = blocks.Encode(states, layer, vision.Activation, false, precision.Encoder);
        states = blocks.Norm(states, vision.FinalNorm);
        if (parameters.EncoderToDecoder is { } between)
            states = blocks.Linears.Apply(states, between, precision.Encoder);
        blocks.OutputCross(states, parameters.Decoder.Layers, vision.Positions.Rows, precision.Encoder);
        return graph.Build();
    }

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
