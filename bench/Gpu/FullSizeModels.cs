using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Clip.CudaGraphs;
using VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Bench.Gpu;

/// <summary>Engines on a GPU for models of random weights, through ModelKit's graphs.</summary>
internal static class FullSizeModels
{
    /// <summary>GPT-2's end of text, which the models also start with.</summary>
    public const int EndToken = 50256;

    /// <summary>Rows of a captioner that ask for the same.</summary>
    public static RowRequest[] Requests(GenerationParameters parameters, int rows) =>
        [.. Enumerable.Repeat(new RowRequest(parameters, [EndToken]), rows)];

    /// <summary>A captioner's graphs.</summary>
    public static CaptionGraphs Captioner(string folder, ElementType type)
    {
        using var seeded = new SeededModel(folder);
        var parameters = (VisionEncoderDecoderParameters)seeded.Load();
        var images = PreprocessorConfig.Load(folder);
        return new CaptionGraphs(
            new GraphFile(null, CaptionerCudaGraphs.Encoder(parameters, images.Normalization, type).ToBytes()),
            new GraphFile(null, CaptionerCudaGraphs.GreedyStep(parameters.Decoder, type).ToBytes()),
            new GraphFile(null, CaptionerCudaGraphs.BeamStep(parameters.Decoder, type).ToBytes(), true),
            new GenerationTokens([EndToken], [EndToken], null, null),
            parameters.Decoder.Vocabulary,
            images.Resize);
    }

    /// <summary>An embedder's graphs.</summary>
    public static EmbeddingGraphs Embedder(string folder, ElementType type)
    {
        using var seeded = new SeededModel(folder);
        var parameters = (ClipParameters)seeded.Load();
        var images = PreprocessorConfig.Load(folder);
        return new EmbeddingGraphs(
            new GraphFile(null, ClipCudaGraphs.Vision(parameters, images.Normalization, type).ToBytes()),
            new GraphFile(null, ClipCudaGraphs.Text(parameters, type).ToBytes()),
            images.Resize);
    }
}
