using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Clip;

/// <summary>CLIP for CUDA: each tower one graph, see <see cref="EmbedderNames"/>. DINOv2's image tower is such a one, too.</summary>
internal static class CudaGraphs
{
    /// <summary>The image tower.</summary>
    public static OnnxModel Vision(VisionParameters vision, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var embedding = VisionTower.Embedding(graph, vision, normalization);
        return EmbedderNames.Finish(graph, embedding, EmbedderNames.ImageEmbeddings, vision.Projection?.Columns ?? vision.HiddenSize);
    }

    /// <summary>The text tower; takes <see cref="EmbedderNames.Ends"/>.</summary>
    /// <remarks>The place comes from the host: the provider has no kernel that finds the greatest of integers, and would leave the GPU for it.</remarks>
    public static OnnxModel Text(TextParameters text, ElementType type)
    {
        var graph = new CudaGraph(type);
        var builder = graph.Builder;
        var end = builder.Input(EmbedderNames.Ends, ElementType.Int64, "texts", 1);
        var state = TextTower.Pooled(
            graph, text, true, all => builder.Node("Unsqueeze", [builder.Node("GatherND", [all, end], ("batch_dims", 1)), graph.Integers(1)]));
        return EmbedderNames.Finish(graph, graph.MatMul(state, text.Projection), EmbedderNames.TextEmbeddings, text.Projection.Columns);
    }
}
