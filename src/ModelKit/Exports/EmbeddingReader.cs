using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Finds what stands in front of the first block: patches, class token, token and position embeddings.</summary>
internal sealed class EmbeddingReader(ExportedGraph graph)
{
    private readonly QuantizedReader _quantized = new(graph);

    /// <summary>Token and position embeddings, [V, D] and [positions, D].</summary>
    /// <exception cref="InvalidDataException">The value is no sum of the two, or their shapes differ from config.json.</exception>
    public (Matrix Tokens, Matrix Positions) Texts(string value, TextConfig config)
    {
        if (graph.Origin(value) is not { Op: "Add" } add || Table(add.Input(0)) is not { } left || Table(add.Input(1)) is not { } right)
            throw graph.NotUnderstood(value, "the sum of token and position embeddings");
        var (tokens, positions) = left.Count / left.Columns == config.Vocabulary ? (left, right) : (right, left);
        return (Sized(tokens, config.Vocabulary, config.HiddenSize, value), Sized(positions, config.MaxPositions, config.HiddenSize, value));
    }

    /// <summary>Patch projection [values, D], its bias, class token [D] and positions [1 + patches, D].</summary>
    /// <exception cref="InvalidDataException">The value is made in another way, or shapes differ from config.json.</exception>
    public (Matrix Projection, float[]? Bias, float[] ClassToken, Matrix Positions) Images(string value, VisionConfig config)
    {
        if (graph.Origin(value) is not { Op: "Add" } add)
            throw graph.NotUnderstood(value, "the sum of patches and positions");
        for (var side = 0; side < 2; side++)
        {
            if ((Table(add.Input(1 - side)) ?? Interpolated(add.Input(1 - side))) is not { } positions || graph.Origin(add.Input(side)) is not { Op: "Concat" } concat || concat.Inputs.Count != 2)
                continue;
            if (graph.Constants.Find(graph.Skip(concat.Input(0))) is not { } classToken)
                throw graph.NotUnderstood(concat.Input(0), "the class token");
            if (classToken.Count != config.HiddenSize)
                throw graph.NotUnderstood(concat.Input(0), $"a class token of {config.HiddenSize} values (config.json)");
            var (projection, bias) = Patches(concat.Input(1), config);
            return (projection, bias, classToken.Read(), Sized(positions, 1 + config.Patches, config.HiddenSize, value));
        }

        throw graph.NotUnderstood(value, "the sum of positions, and class token and patches");
    }

    /// <summary>Patch projection, its bias, the table of positions [patches, D], and the value that says which of them a patch has.</summary>
    /// <exception cref="InvalidDataException">The value is made in another way, or shapes differ from config.json.</exception>
    public (Matrix Projection, float[]? Bias, Matrix Positions, string Places) Places(string value, VisionConfig config)
    {
        if (graph.Origin(value) is { Op: "Add" } add)
        {
            for (var side = 0; side < 2; side++)
            {
                if (graph.Origin(add.Input(1 - side)) is not { Op: "Gather" } gather || Table(add.Input(1 - side)) is not { } positions)
                    continue;
                var (projection, bias) = Patches(add.Input(side), config);
                return (projection, bias, Sized(positions, config.Patches, config.HiddenSize, value), gather.Input(1));
            }
        }

        throw graph.NotUnderstood(value, "the sum of patches and their positions");
    }

    /// <summary>A table from which rows are taken, or a constant with all rows; null if the value is neither.</summary>
    public Folded? Table(string value)
    {
        var at = graph.Skip(value);
        if (graph.Constants.Find(at) is { } constant)
            return constant;
        return graph.Producer(at) switch
        {
            { Op: "Gather" } gather => graph.Constants.Find(gather.Input(0)),
            { Op: "Slice" } slice => graph.Constants.Find(slice.Input(0)),
            { Op: "DequantizeLinear" } node when graph.Origin(node.Input(0)) is { Op: "Gather" } gather
                && graph.Constants.Find(gather.Input(0)) is { } q && graph.Constants.Find(node.Input(1)) is { } scale
                => ConstantFolder.Dequantize(q, scale, graph.Constants.Find(node.Input(2)), -1),
            _ => null,
        };
    }

    // DINOv2's positions: the class token's, and the patches', which the graph brings to the size of the image that it is given.
    private Folded? Interpolated(string value)
    {
        if (graph.Origin(value) is not { Op: "Concat", Inputs.Count: 2 } concat || graph.Constants.Find(graph.Skip(concat.Input(0))) is not { } first
            || graph.Origin(concat.Input(1)) is not { Op: "Resize" } resize || graph.Constants.Find(graph.Skip(resize.Input(0))) is not { } patches)
            return null;
        return first.Columns != patches.Columns || first.Count != first.Columns ? null
            : new Folded([1 + (patches.Count / patches.Columns), patches.Columns], () => [.. first.Read(), .. patches.Read()]);
    }

    private Matrix Sized(Folded table, int rows, int columns, string value) => table.Columns == columns && table.Count == (long)rows * columns
        ? table.ToMatrix()
        : throw graph.NotUnderstood(value, $"embeddings of {rows} x {columns} (config.json), not {string.Join(" x ", table.Dims)},");

    // A convolution whose step is its size; quantised ones are followed by an Add of the bias.
    private (Matrix Projection, float[]? Bias) Patches(string value, VisionConfig config)
    {
        var (node, added) = (graph.Origin(value), (Folded?)null);
        if (node is { Op: "Add" } add)
        {
            var right = graph.Constants.Find(add.Input(1));
            (node, added) = (graph.Origin(add.Input(right is null ? 1 : 0)), right ?? graph.Constants.Find(add.Input(0)));
        }

        var (conv, weight) = node switch
        {
            { Op: "Conv" } => (node, graph.Constants.Find(node.Input(1))),
            { Op: "Mul" } when _quantized.Integer(node, "ConvInteger") is var (_, dequantised) => (Convolution(node), dequantised),
            _ => (null, null),
        };
        if (conv is null || weight is null)
            throw graph.NotUnderstood(value, "the convolution that projects the patches");
        long[] expected = [config.HiddenSize, 3, config.PatchSize, config.PatchSize];
        var steps = conv.Integers("strides") ?? [1, 1];
        if (!weight.Dims.AsSpan().SequenceEqual(expected) || steps.Any(step => step != config.PatchSize) || (conv.Integers("pads") ?? []).Any(pad => pad != 0))
            throw graph.NotUnderstood(value, $"a convolution of {string.Join(" x ", expected)} without overlap (config.json)");
        var bias = added ?? graph.Constants.Find(conv.Input(2));
        if (bias is not null && bias.Count != config.HiddenSize)
            throw graph.NotUnderstood(value, $"a bias of {config.HiddenSize} values");
        var projection = new Matrix(config.HiddenSize, config.PatchValues, weight.Read()).Transpose();
        return (projection, conv.Op == "Conv" || added is not null ? bias?.Read() : null);
    }

    private GraphNode? Convolution(GraphNode mul) =>
        mul.Inputs.Select(graph.Origin).FirstOrDefault(static node => node is { Op: "ConvInteger" });
}
