using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>
/// DaViT's attention among the channels of a group, without queries, keys and values. With H the normed tokens, [places, C]: the scores are
/// transpose(H Wq) (H Wk) = transpose(Wq) S Wk with S = transpose(H) H, and the result (H Wv) transpose(A) Wo = H M with M = Wv transpose(A) Wo.
/// So the tokens go through two products instead of six, and nothing else is larger than [C, C].
/// </summary>
/// <param name="graph">The graph.</param>
internal sealed class ChannelAttention(CudaGraph graph)
{
    // Columns that the product's kernels like.
    private const int Pad = 8;

    // Kept out of a softmax by this; fits 16-bit floats with any score added.
    private const float Never = -10000;

    // A product of C x C values takes (C / Tile)^2 of a GPU's processors; with fewer than Tiles of them an image's places are summed up in parts.
    private const int Tile = 128;
    private const int Tiles = 16;

    /// <summary>The layers with their biases inside, and the norm in front of them.</summary>
    public static (Layers Layers, LayerNorm Norm) Prepare(DavitBlock block)
    {
        if (BiasFold.Move(block.Norm1) is var (norm, shift, constant))
        {
            Matrix Fold(Linear layer) => BiasFold.Fold(layer, norm.Gamma, shift, constant).Weight;
            return (new Layers(Fold(block.Query), Fold(block.Key), Fold(block.Value), block.Output.Weight, false), norm);
        }

        return (new Layers(Widen(block.Query), Widen(block.Key), Widen(block.Value), block.Output.Weight, true), block.Norm1);
    }

    /// <summary>What the attention adds to the tokens, without the output's bias.</summary>
    /// <param name="normed">[images, places, C], of the norm that <see cref="Prepare"/> gives.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="places">Places of an image.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <returns>[images, places, C].</returns>
    public string Attend(string normed, Layers layers, int places, int groups)
    {
        var channels = layers.Output.Rows;
        var tokens = layers.TakesOnes ? graph.Builder.Node("Pad", [normed, graph.Integers(0, 0, 0, 0, 0, Pad), graph.Constant([1], [])]) : normed;
        // Scores are divided by the square root of the places. Divided by their number, sums of products stay small; both sides share the rest.
        var scale = (float)Math.Pow(places, 0.25);
        var sums = Sums(tokens, places, layers.Query.Rows, channels);
        var left = graph.MatMul(sums, Scale(layers.Query, scale));
        var scores = Product(left, graph.Weight(Scale(layers.Key, scale)), transposed: true);
        var masked = graph.Builder.Node("Add", [scores, graph.Constant(Mask(channels, channels / groups), [channels, channels])]);
        var weights = graph.Builder.Node("Softmax", [masked], ("axis", -1));
        var values = graph.Builder.Microsoft("FusedMatMul", [weights, graph.Weight(layers.Value)], ("transB", 1));
        return graph.Builder.Node("MatMul", [tokens, Product(values, graph.Weight(layers.Output), transposed: true)]);
    }

    // transpose(H) H / places, [images, width, width].
    private string Sums(string tokens, int places, int width, int channels)
    {
        var parts = 1;
        while (parts * channels * channels < Tiles * Tile * Tile && parts < Tiles && places % (2 * parts) == 0)
            parts *= 2;
        string Shape(string value, params ReadOnlySpan<long> dims) => graph.Builder.Node("Reshape", [value, graph.Integers(dims)]);
        var split = parts == 1 ? tokens : Shape(tokens, -1, places / parts, width);
        var sums = Product(split, split, transposed: true, (float)parts / places);
        return parts == 1 ? sums
            : graph.Builder.Node("ReduceMean", [Shape(sums, -1, parts, width, width), graph.Integers(1)], ("keepdims", 0));
    }

    private string Product(string one, string other, bool transposed, float factor = 1) =>
        graph.Builder.Microsoft("FusedMatMul", [one, other], ("transA", transposed), ("alpha", factor));

    private static Matrix Scale(Matrix matrix, float factor) => new Linear(matrix, null).Scale(factor).Weight;

    // Only channels of one group look at each other.
    private static float[] Mask(int channels, int size)
    {
        var mask = new float[channels * channels];
        for (var i = 0; i < mask.Length; i++)
            mask[i] = i / channels / size == i % channels / size ? 0 : Never;
        return mask;
    }

    // The first column behind the tokens, all ones, carries the bias.
    private static Matrix Widen(Linear layer)
    {
        var values = new float[(layer.Inputs + Pad) * layer.Outputs];
        layer.Weight.Values.CopyTo(values, 0);
        layer.Bias?.CopyTo(values, layer.Weight.Values.Length);
        return new Matrix(layer.Inputs + Pad, layer.Outputs, values);
    }

    /// <summary>The layers, each bias inside.</summary>
    /// <param name="Query">[width, C].</param>
    /// <param name="Key">[width, C].</param>
    /// <param name="Value">[width, C].</param>
    /// <param name="Output">[C, C].</param>
    /// <param name="TakesOnes">Whether width is C and some columns of ones.</param>
    internal sealed record Layers(Matrix Query, Matrix Key, Matrix Value, Matrix Output, bool TakesOnes);
}
