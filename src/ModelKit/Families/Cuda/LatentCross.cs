using System.Numerics;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>
/// Cross attention without keys and values. With S the encoder's states, a head's scores q transpose(S Wk) are (q transpose(Wk)) transpose(S), and what it
/// adds, softmax(...) S Wv Wo, is (softmax(...) S) (Wv Wo): both products of weights are made once, when the graph is built. A step then reads the states
/// once where it read a block's keys and values, an image takes as much memory as one half of one block's, and no product makes them. Known from
/// multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).
/// </summary>
internal static class LatentCross
{
    /// <summary>Whether a decoder's blocks can look at the encoder's states so.</summary>
    public static bool Fits(CudaGraph graph, IReadOnlyList<DecoderLayer> layers)
    {
        var width = layers[0].CrossKey.Inputs;
        return layers.All(layer => layer.CrossKey.Inputs == width && layer.CrossValue.Inputs == width)
            && (graph.Type == ElementType.Float || FusedNodes.TakesLatent(graph, width));
    }

    /// <summary>What cross attention adds, without the output's bias: [images, rows, D].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="normed">[images, rows, D].</param>
    /// <param name="states">[images, positions, width].</param>
    /// <param name="layer">The block, without biases of keys and values.</param>
    /// <param name="dims">The value [images, rows, -1]; null where there is one row an image.</param>
    /// <param name="reversed">Whether images are gone through from the last to the first; alternately, a block finds some in the cache that the last one read.</param>
    public static string Attend(CudaGraph graph, string normed, string states, DecoderLayer layer, string? dims, bool reversed)
    {
        var (width, heads) = (layer.CrossKey.Inputs, layer.CrossHeads);
        var queries = graph.Linear(normed, Queries(layer));
        var scale = 1 / MathF.Sqrt(layer.HeadSize);
        if (graph.Type == ElementType.Float16)
            return graph.MatMul(FusedNodes.LatentAttention(graph, queries, states, heads, width, scale, reversed), Outputs(layer));
        var builder = graph.Builder;
        var all = builder.Node("Reshape", [queries, graph.Integers(0, -1, width)]);
        var scores = builder.Microsoft("FusedMatMul", [all, states], ("transB", 1), ("alpha", scale));
        var found = builder.Node("MatMul", [builder.Node("Softmax", [scores], ("axis", -1)), states]);
        return graph.MatMul(builder.Node("Reshape", [found, dims ?? graph.Integers(0, 1, heads * width)]), Outputs(layer));
    }

    // Wq transpose(Wk) of each head side by side, [D, heads * width].
    private static Linear Queries(DecoderLayer layer)
    {
        var (size, query, key) = (layer.HeadSize, layer.CrossQuery, layer.CrossKey.Weight.Transpose());
        var (width, columns) = (key.Columns, layer.CrossHeads * key.Columns);
        void Through(ReadOnlySpan<float> row, Span<float> target)
        {
            for (var k = 0; k < row.Length; k++)
                AddScaled(key.Row(k), row[k], target.Slice(k / size * width, width));
        }

        var weight = new float[query.Inputs * columns];
        Parallel.For(0, query.Inputs, row => Through(query.Weight.Row(row), weight.AsSpan(row * columns, columns)));
        var bias = query.Bias is null ? null : new float[columns];
        if (bias is not null)
            Through(query.Bias, bias);
        return new Linear(new Matrix(query.Inputs, columns, weight), bias);
    }

    // Wv Wo of each head below each other, [heads * width, D].
    private static Matrix Outputs(DecoderLayer layer)
    {
        var (size, value, output) = (layer.HeadSize, layer.CrossValue.Weight, layer.CrossOutput.Weight);
        var (rows, columns) = (layer.CrossHeads * value.Rows, output.Columns);
        var weight = new float[rows * columns];
        Parallel.For(0, rows, row =>
        {
            var head = row / value.Rows;
            var values = value.Row(row % value.Rows);
            for (var k = head * size; k < (head + 1) * size; k++)
                AddScaled(output.Row(k), values[k], weight.AsSpan(row * columns, columns));
        });
        return new Matrix(rows, columns, weight);
    }

    private static void AddScaled(ReadOnlySpan<float> row, float factor, Span<float> target)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(target[i..]) + (factor * new Vector<float>(row[i..]))).CopyTo(target[i..]);
        for (; i < row.Length; i++)
            target[i] += factor * row[i];
    }
}
