using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Siglip;

/// <summary>SigLIP for CUDA: each tower one graph, see <see cref="EmbedderNames"/>.</summary>
internal static class CudaGraphs
{
    /// <summary>The image tower; of NaFlex it takes what <see cref="PaddedPatches"/> names, too.</summary>
    public static OnnxModel Vision(SiglipParameters model, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var (pool, activation, padded) = (model.Pool, model.Vision.Activation, model.Vision.AnyGrid ? new PaddedPatches(graph, model.Vision) : null);
        var token = Attend(graph, VisionTower.States(graph, model.Vision, normalization, padded), pool, padded);
        var added = graph.Linear(graph.Activate(graph.Norm(token, pool.Norm), pool.Up, activation), pool.Down);
        return EmbedderNames.Finish(graph, graph.Builder.Node("Add", [token, added]), EmbedderNames.ImageEmbeddings, model.Vision.HiddenSize);
    }

    /// <summary>The text tower: texts are padded to the length that the model was trained with.</summary>
    public static OnnxModel Text(SiglipParameters model, ElementType type)
    {
        var graph = new CudaGraph(type);
        var last = graph.Integers(-1);
        var state = TextTower.Pooled(
            graph, model.Text, false, all => graph.Builder.Node("Slice", [all, last, graph.Integers(int.MaxValue), graph.Integers(1)]));
        var embedding = graph.Linear(state, new Linear(model.Text.Projection, model.TextBias));
        return EmbedderNames.Finish(graph, embedding, EmbedderNames.TextEmbeddings, model.Text.Projection.Columns);
    }

    // [images, positions, D] -> [images, D]. The query is the same for all images, so that what it asks of a position is a product with one vector a
    // head; and values are projected once a head, after they were weighed, together with the layer behind.
    private static string Attend(CudaGraph graph, string states, AttentionPool pool, PaddedPatches? padded)
    {
        var builder = graph.Builder;
        var scores = builder.Node("Transpose", [graph.MatMul(states, Asked(pool))], ("perm", new[] { 0, 2, 1 }));
        scores = padded?.Hide(scores) ?? scores;
        var weighed = builder.Node("MatMul", [builder.Node("Softmax", [scores], ("axis", -1)), states]);
        var flat = builder.Node("Reshape", [weighed, graph.Integers(-1, pool.Heads * pool.Key.Inputs)]);
        return graph.Linear(flat, new Linear(Answered(pool), BiasFold.OutputBias(pool.Output, pool.Value, null)));
    }

    // [D, heads]. The keys' bias cancels in the softmax.
    private static Matrix Asked(AttentionPool pool)
    {
        var size = pool.Query.Length / pool.Heads;
        var values = new float[pool.Key.Inputs * pool.Heads];
        for (var i = 0; i < values.Length; i++)
        {
            var first = i % pool.Heads * size;
            var row = pool.Key.Weight.Row(i / pool.Heads).Slice(first, size);
            var sum = 0d;
            for (var k = 0; k < size; k++)
                sum += (double)row[k] * pool.Query[first + k];
            values[i] = (float)(sum / Math.Sqrt(size));
        }

        return new Matrix(pool.Key.Inputs, pool.Heads, values);
    }

    // [heads * D, D]: for each head its values' projection and its part of the output's, one after the other.
    private static Matrix Answered(AttentionPool pool)
    {
        var (width, size) = (pool.Value.Inputs, pool.Value.Outputs / pool.Heads);
        var values = new float[pool.Heads * width * pool.Output.Outputs];
        Parallel.For(0, pool.Heads * width, i =>
        {
            var first = i / width * size;
            var row = pool.Value.Weight.Row(i % width);
            var sums = new double[pool.Output.Outputs];
            for (var k = 0; k < size; k++)
            {
                var output = pool.Output.Weight.Row(first + k);
                for (var column = 0; column < sums.Length; column++)
                    sums[column] += (double)row[first + k] * output[column];
            }

            for (var column = 0; column < sums.Length; column++)
                values[(i * sums.Length) + column] = (float)sums[column];
        });
        return new Matrix(pool.Heads * width, pool.Output.Outputs, values);
    }
}
