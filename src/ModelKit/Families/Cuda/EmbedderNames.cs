using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>Inputs and outputs of an embedder's graphs for CUDA; pixels are <see cref="VisionTower"/>'s.</summary>
internal static class EmbedderNames
{
    /// <summary>[texts, length] of int64: token ids.</summary>
    public const string Ids = "input_ids";

    /// <summary>
    /// [texts, 1] of int64: the place of each text's end token, where the tower pools; what stands behind it is hidden. A tower without this input
    /// sees all tokens and pools at the last.
    /// </summary>
    public const string Ends = "end_positions";

    /// <summary>[rows, size] of float32, not normalised.</summary>
    public const string ImageEmbeddings = "image_embeds";

    /// <summary>As <see cref="ImageEmbeddings"/>, of texts.</summary>
    public const string TextEmbeddings = "text_embeds";

    /// <summary>Declares a tower's output and builds it.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="embedding">[rows, 1, size] or [rows, size].</param>
    /// <param name="name">What the output is called.</param>
    /// <param name="size">Numbers of an embedding.</param>
    public static OnnxModel Finish(CudaGraph graph, string embedding, string name, int size)
    {
        var flat = graph.Builder.Node("Reshape", [embedding, graph.Integers(-1, size)]);
        graph.Builder.Output(graph.Builder.Node("Cast", [flat], ("to", ElementType.Float)), name, ElementType.Float, "rows", size);
        return graph.Builder.Build();
    }
}
