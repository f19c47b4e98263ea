using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Blip;

/// <summary>BLIP's graphs for CUDA, see <see cref="CaptionerGraphs"/>.</summary>
internal static class CudaGraphs
{
    /// <summary>Images to the decoder's keys and values.</summary>
    public static OnnxModel Encoder(BlipParameters parameters, Normalization normalization, ElementType type) =>
        CaptionerGraphs.Encoder(parameters.Vision, null, parameters.Text.Layers, normalization, type);

    /// <summary>The decoder, of which the steps' graphs are made.</summary>
    public static StepDecoder Decoder(BertParameters text) => new(
        text.TokenEmbedding, text.Positions, text.EmbeddingNorm, text.Layers, text.Activation, null,
        new VocabularyHead(text.Head, text.HeadBias, new HeadTransform(text.Transform, text.Activation, text.TransformNorm)));
}
