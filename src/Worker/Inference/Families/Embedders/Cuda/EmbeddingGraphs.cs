using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>An embedder's graphs for CUDA.</summary>
/// <param name="Vision">The image tower.</param>
/// <param name="Text">The text tower; null where there is none.</param>
/// <param name="Images">How images are resized.</param>
/// <param name="Padding">How texts are padded; null where any length will do.</param>
internal sealed record EmbeddingGraphs(GraphFile Vision, GraphFile? Text, ResizePlan Images, TextPadding? Padding = null)
{
    /// <summary>The graphs of an optimised folder.</summary>
    public static EmbeddingGraphs Of(ModelFolder folder, PreprocessorConfig images, TextPadding? padding) => new(
        new GraphFile(folder.Graphs[CudaLayout.Vision], null), folder.Graphs.GetValueOrDefault(CudaLayout.Text) is { } text ? new GraphFile(text, null) : null,
        images.Resize, padding);
}
