using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder;

/// <summary>A captioner's graphs for CUDA, see <see cref="CaptionerGraphs"/>.</summary>
internal static class CudaGraphs
{
    /// <summary>Images to the decoder's keys and values.</summary>
    public static OnnxModel Encoder(VisionEncoderDecoderParameters parameters, Normalization normalization, ElementType type) =>
        CaptionerGraphs.Encoder(parameters.Encoder, parameters.EncoderToDecoder, parameters.Decoder.Layers, normalization, type);

    /// <summary>The decoder, of which the steps' graphs are made.</summary>
    public static StepDecoder Decoder(DecoderParameters decoder) => new(
        decoder.TokenEmbedding, decoder.Positions, null, decoder.Layers, decoder.Activation, decoder.FinalNorm,
        new VocabularyHead(decoder.Head ?? decoder.TokenEmbedding, null, null));
}
