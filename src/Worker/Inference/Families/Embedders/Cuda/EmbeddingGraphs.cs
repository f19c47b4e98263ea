using VlWorker.Inference.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>An embedder's graphs for CUDA.</summary>
/// <param name="Vision">The image tower.</param>
/// <param name="Text">The text tower.</param>
/// <param name="Images">How images are resized.</param>
internal sealed record EmbeddingGraphs(GraphFile Vision, GraphFile Text, ResizePlan Images)
{
    /// <summary>The graphs of an optimised folder.</summary>
    public static EmbeddingGraphs Of(ModelFolder folder, PreprocessorConfig images) => new(
        new GraphFile(folder.Graphs[CudaLayout.Vision], null), new GraphFile(folder.Graphs[CudaLayout.Text], null), images.Resize);
}
