using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>Florence-2's image tower as exporters write it, from its output back to the pixels.</summary>
internal sealed class DavitExport
{
    private readonly ExportedGraph _graph;
    private readonly DavitConfig _config;
    private readonly LinearReader _linears;
    private readonly NormReader _norms;

    private DavitExport(ExportedGraph graph, DavitConfig config)
    {
        (_graph, _config) = (graph, config);
        (_linears, _norms) = (new LinearReader(graph), new NormReader(graph));
    }

    /// <summary>Operators that only move data in this graph: windows are filled up and cut back.</summary>
    public static string[] Moves => ["Pad", "Slice"];

    /// <summary>Reads the graph.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    public static DavitParameters Read(ExportedGraph graph, DavitConfig config) => new DavitExport(graph, config).Read();

    private DavitParameters Read()
    {
        var output = _graph.Output("image_features");
        var norm = _norms.Find(output) ?? throw _graph.NotUnderstood(output, "the norm behind the projection");
        var projection = _linears.Find(norm.Input) ?? throw _graph.NotUnderstood(norm.Input, "the projection");
        var width = _config.Stages[^1].Width;
        if (projection.Inputs != width || projection.Outputs != _config.Projection)
            throw _graph.NotUnderstood(norm.Input, $"a projection from {width} to {_config.Projection} (config.json)");
        if (_graph.Origin(projection.Input) is not { Op: "Concat", Inputs.Count: 2 } all || _graph.Origin(all.Input(0)) is not { Op: "ReduceMean" } mean)
            throw _graph.NotUnderstood(projection.Input, "the mean of all tokens, and the tokens");
        var (rest, time) = Sum(mean.Input(0), Table, "the sum of tokens and what a frame's time adds");
        var (value, places) = Sum(rest, Places, "the sum of tokens and what their places add");
        var stages = new DavitStage[_config.Stages.Count];
        for (var i = stages.Length - 1; i >= 0; i--)
            stages[i] = Stage(_config.Stages[i], ref value);
        return new DavitParameters(
            _config.ImageWidth, _config.ImageHeight, _config.WindowSize, _config.Activation, stages, places.Columns, places.Rows, time.Read()[..width],
            projection.Read() with { Bias = null }, norm.Norm);
    }

    // A sum of the stream and of something made of constants alone.
    private (string Stream, T Found) Sum<T>(string value, Func<string, T?> find, string expected)
        where T : class
    {
        if (_graph.Origin(value) is { Op: "Add" } add)
        {
            for (var side = 0; side < 2; side++)
            {
                if (find(add.Input(side)) is { } found)
                    return (add.Input(1 - side), found);
            }
        }

        throw _graph.NotUnderstood(value, expected);
    }

    private Folded? Table(string value) =>
        _graph.Constants.Find(_graph.Skip(value)) is { } table && table.Columns == _config.Stages[^1].Width ? table : null;

    private PlaceTables? Places(string value)
    {
        if (Up(value, "Concat") is not { Inputs.Count: 2 } concat || Looked(concat.Input(0)) is not { } columns || Looked(concat.Input(1)) is not { } rows)
            return null;
        return columns.Columns + rows.Columns == _config.Stages[^1].Width ? new PlaceTables(columns.ToMatrix(), rows.ToMatrix()) : null;
    }

    private Folded? Looked(string value) => Up(value, "Gather") is { } gather ? _graph.Constants.Find(gather.Input(0)) : null;

    // The nearest operator of a type over those that repeat values.
    private GraphNode? Up(string value, string op)
    {
        var node = _graph.Origin(value);
        while (node is { Op: "Tile" })
            node = _graph.Origin(node.Input(0));
        return node?.Op == op ? node : null;
    }

    private DavitStage Stage(DavitStageConfig stage, ref string value)
    {
        var pairs = new DavitPair[stage.Depth];
        for (var i = stage.Depth - 1; i >= 0; i--)
        {
            var channel = Block(stage, ref value, false);
            pairs[i] = new DavitPair(Block(stage, ref value, true), channel);
        }

        var behind = stage.NormInFront ? null : _norms.Find(value) ?? throw _graph.NotUnderstood(value, "the norm of a stage's tokens");
        var (convolution, input) = Convolve(behind?.Input ?? value, stage.Inputs, stage.Width, stage.PatchSize, stage.Stride, stage.Padding, 1);
        var front = stage.NormInFront ? _norms.Find(input) ?? throw _graph.NotUnderstood(input, "the norm in front of a stage") : null;
        value = front?.Input ?? input;
        return new DavitStage(convolution, stage.NormInFront, (front ?? behind)!.Norm, stage.Heads, stage.Groups, pairs);
    }

    private DavitBlock Block(DavitStageConfig stage, ref string value, bool spatial)
    {
        var size = stage.Width / stage.Heads;
        var blocks = new BlockReader(_graph, _linears, size);
        if (blocks.Find(value) is not FeedForward feed || feed.Activation != _config.Activation)
            throw _graph.NotUnderstood(value, $"a feed-forward part with {_config.Activation} (config.json)");
        var between = Depthwise(feed.Residual, stage.Width, out value);
        if (blocks.Find(value) is not Attention { Source: null } attention)
            throw _graph.NotUnderstood(value, "an attention");
        var before = Depthwise(attention.Residual, stage.Width, out value);
        // Among channels the scale depends on the number of tokens: it is known without the graph.
        var query = spatial ? LayerAssembly.Query(attention, size) : attention.Match.Query.Read();
        return new DavitBlock(
            before, attention.Norm, query, attention.Match.Key.Read(), attention.Match.Value.Read(), attention.Output.Read(),
            between, feed.Norm, feed.Up.Read(), feed.Down.Read());
    }

    // x + convolution(x).
    private Convolution Depthwise(string value, int width, out string rest)
    {
        if (_graph.Origin(value) is { Op: "Add" } add)
        {
            for (var side = 0; side < 2; side++)
            {
                rest = _graph.Skip(add.Input(1 - side));
                if (_graph.Origin(add.Input(side)) is { Op: "Conv" } conv && _graph.Skip(conv.Input(0)) == rest)
                    return Convolve(add.Input(side), width, width, 3, 1, 1, width).Convolution;
            }
        }

        throw _graph.NotUnderstood(value, "the sum of an image's tokens and their convolution");
    }

    private (Convolution Convolution, string Input) Convolve(string value, int inputs, int outputs, int kernel, int stride, int padding, int groups)
    {
        long[] expected = [outputs, inputs / groups, kernel, kernel];
        if (_graph.Origin(value) is not { Op: "Conv" } conv || _graph.Constants.Find(conv.Input(1)) is not { } weight
            || !weight.Dims.AsSpan().SequenceEqual(expected) || conv.Integer("group", 1) != groups
            || (conv.Integers("strides") ?? [1, 1]).Any(step => step != stride) || (conv.Integers("pads") ?? [0]).Any(pad => pad != padding))
            throw _graph.NotUnderstood(value, $"a convolution of {string.Join(" x ", expected)}, step {stride}, border {padding} (config.json)");
        var bias = conv.Input(2).Length == 0 ? new float[outputs] : _graph.Constants.Find(conv.Input(2))?.Read();
        if (bias?.Length != outputs)
            throw _graph.NotUnderstood(value, $"a bias of {outputs} values");
        return (new Convolution(weight.Read(), bias, inputs, kernel, stride, padding, groups), conv.Input(0));
    }

    /// <summary>What columns and rows add.</summary>
    private sealed record PlaceTables(Matrix Columns, Matrix Rows);
}
