using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Clip.CudaGraphs;

/// <summary>CLIP for CUDA: each tower one graph. Embeddings come as 32-bit floats, not normalised.</summary>
internal static class ClipCudaGraphs
{
    /// <summary>[images, 1 + patches, patch values] of int8 (<see cref="VisionTower"/>) to [images, projection].</summary>
    public static OnnxModel Vision(ClipParameters parameters, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var embedding = VisionTower.Embedding(graph, parameters.Vision, normalization);
        return Finish(graph, embedding, Names.ImageEmbeddings, "images", parameters.Vision.Projection!.Columns);
    }

    /// <summary>
    /// Token ids [texts, length], shorter texts padded in any way, and the place of each text's end token [texts, 1], to [texts, projection].
    /// </summary>
    /// <remarks>The place comes from the host: the provider has no kernel that finds the greatest of integers, and would leave the GPU for it.</remarks>
    public static OnnxModel Text(ClipParameters parameters, ElementType type)
    {
        var (text, graph) = (parameters.Text, new CudaGraph(type));
        var builder = graph.Builder;
        EncoderLayer[] layers = [.. text.Layers.Select(layer => EncoderBlocks.Prepare(layer, text.Activation))];
        var ids = builder.Input(Names.Ids, ElementType.Int64, "texts", "length");
        var length = builder.Node("Shape", [ids], ("start", 1), ("end", 2));
        var places = builder.Node("Slice", [graph.Weight(text.Positions), graph.Integers(0), length, graph.Integers(0)]);
        var states = builder.Node("Add", [builder.Node("Gather", [graph.Weight(text.TokenEmbedding), ids]), places]);
        var (normed, residual) = (graph.Norm(states, layers[0].Norm1), states);
        foreach (var (layer, next) in layers.Zip(layers.Skip(1)))
        {
            var all = EncoderBlocks.Attend(graph, normed, normed, layer, true);
            (var sum, residual) = EncoderBlocks.Feed(graph, all, residual, layer, text.Activation);
            (normed, residual) = graph.SkipNorm(sum, residual, next.Norm1, layer.Down.Bias);
        }

        // What the last block attended to is needed at the end token alone.
        var last = layers[^1];
        var attended = EncoderBlocks.Attend(graph, normed, normed, last, true);
        var end = builder.Input(Names.Ends, ElementType.Int64, "texts", 1);
        string Pool(string all) => builder.Node("Unsqueeze", [builder.Node("GatherND", [all, end], ("batch_dims", 1)), graph.Integers(1)]);
        (var added, residual) = EncoderBlocks.Feed(graph, Pool(attended), Pool(residual), last, text.Activation);
        var embedding = graph.MatMul(graph.LastNorm(added, residual, text.FinalNorm, last.Down.Bias), text.Projection);
        return Finish(graph, embedding, Names.TextEmbeddings, "texts", text.Projection.Columns);
    }

    private static OnnxModel Finish(CudaGraph graph, string embedding, string name, string rows, int size)
    {
        var flat = graph.Builder.Node("Reshape", [embedding, graph.Integers(-1, size)]);
        graph.Builder.Output(graph.Builder.Node("Cast", [flat], ("to", ElementType.Float)), name, ElementType.Float, rows, size);
        return graph.Builder.Build();
    }

    /// <summary>Inputs and outputs.</summary>
    public static class Names
    {
        public const string Ids = "input_ids";
        public const string Ends = "end_positions";
        public const string ImageEmbeddings = "image_embeds";
        public const string TextEmbeddings = "text_embeds";
    }
}
