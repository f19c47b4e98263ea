using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>DaViT for the CPU: convolutions over maps [batch, channels, height, width], everything else over tokens [batch, places, channels].</summary>
/// <param name="graph">The graph.</param>
/// <param name="vision">The tower.</param>
/// <param name="format">Format of the linear layers; convolutions are 32-bit floats.</param>
internal sealed class CpuDavit(GraphBuilder graph, DavitParameters vision, LinearFormat format)
{
    /// <summary>The input: uint8 [batch, height, width, 3], an image's own bytes.</summary>
    public const string Pixels = "pixels";

    private readonly CpuBlocks _blocks = new(graph);

    /// <summary>The tokens of images.</summary>
    /// <returns>float [batch, tokens, width of the text model].</returns>
    public string Run(Normalization normalization)
    {
        var map = new Map(Image(normalization), vision.ImageWidth, vision.ImageHeight, 3);
        foreach (var stage in vision.Stages)
        {
            map = Patches(map, stage);
            foreach (var (spatial, channel) in stage.Blocks)
            {
                map = Block(map, spatial, (tokens, at) => AttendInWindows(tokens, at, spatial, stage.Heads));
                map = Block(map, channel, (tokens, at) => AttendAmongChannels(tokens, at, channel, stage.Groups));
            }
        }

        var places = Tensor.FromFloats(DavitGrid.Places(vision, map.Width, map.Height), [1, map.Width * map.Height, map.Channels]);
        var tokens = graph.Node("Add", [Tokens(map), graph.Constant(places)]);
        var mean = graph.Node("ReduceMean", [tokens, graph.Constant(Tensor.FromInt64([1], [1]))], ("keepdims", 1));
        var all = graph.Node("Concat", [mean, tokens], ("axis", 1));
        return _blocks.Norm(_blocks.Linears.Apply(all, vision.Projection, format), vision.Norm);
    }

    // The borders of the first convolution are zeros of the normalised image: normalisation can't be part of its weights.
    private string Image(Normalization by)
    {
        var input = graph.Input(Pixels, ElementType.UInt8, "batch", vision.ImageHeight, vision.ImageWidth, 3);
        var values = graph.Node("Cast", [input], ("to", ElementType.Float));
        values = graph.Node("Mul", [values, graph.Constant(Tensor.Scalar((float)by.RescaleFactor))]);
        values = graph.Node("Sub", [values, _blocks.Vector([by.MeanR, by.MeanG, by.MeanB])]);
        values = graph.Node("Div", [values, _blocks.Vector([by.StdR, by.StdG, by.StdB])]);
        return graph.Node("Transpose", [values], ("perm", new[] { 0, 3, 1, 2 }));
    }

    private Map Patches(Map map, DavitStage stage)
    {
        if (stage.NormInFront)
            map = map with { Value = OverChannels(map, stage.Norm) };
        map = Convolve(map, stage.Patches);
        return stage.NormInFront ? map : map with { Value = OverChannels(map, stage.Norm) };
    }

    private Map Block(Map map, DavitBlock block, Func<string, Map, string> attend)
    {
        map = Convolve(map, DavitGrid.WithIdentity(block.Before));
        var tokens = Tokens(map);
        var attended = _blocks.Linears.Apply(attend(_blocks.Norm(tokens, block.Norm1), map), block.Output, format);
        map = map with { Value = OfTokens(graph.Node("Add", [tokens, attended]), map) };
        map = Convolve(map, DavitGrid.WithIdentity(block.Between));
        tokens = _blocks.FeedForward(Tokens(map), block.Norm2, false, block.Up, block.Down, vision.Activation, format);
        return map with { Value = OfTokens(tokens, map) };
    }

    // Windows at the right and at the bottom are filled up with zeros, which take part as any other token.
    private string AttendInWindows(string tokens, Map map, DavitBlock block, int heads)
    {
        var side = vision.WindowSize;
        var (across, down) = ((map.Width + side - 1) / side, (map.Height + side - 1) / side);
        var (right, bottom) = ((across * side) - map.Width, (down * side) - map.Height);
        var grid = Shape(tokens, -1, map.Height, map.Width, map.Channels);
        if (right + bottom > 0)
            grid = graph.Node("Pad", [grid, graph.Constant(Tensor.FromInt64([0, 0, 0, 0, 0, bottom, right, 0], [8]))]);
        var windows = Shape(Exchange(Shape(grid, -1, down, side, across, side, map.Channels)), -1, side * side, map.Channels);
        var attended = graph.Microsoft(
            "MultiHeadAttention",
            [
                _blocks.Linears.Apply(windows, block.Query, format),
                _blocks.Linears.Apply(windows, block.Key, format),
                _blocks.Linears.Apply(windows, block.Value, format),
            ],
            ("num_heads", heads));
        grid = Shape(Exchange(Shape(attended, -1, down, across, side, side, map.Channels)), -1, down * side, across * side, map.Channels);
        if (right + bottom > 0)
        {
            grid = graph.Node("Slice", [
                grid, graph.Constant(Tensor.FromInt64([0, 0], [2])), graph.Constant(Tensor.FromInt64([map.Height, map.Width], [2])),
                graph.Constant(Tensor.FromInt64([1, 2], [2]))]);
        }

        return Shape(grid, -1, map.Width * map.Height, map.Channels);
    }

    // Each channel attends to the channels of its group: its places are what is compared.
    private string AttendAmongChannels(string tokens, Map map, DavitBlock block, int groups)
    {
        var size = map.Channels / groups;
        var query = Split(block.Query.Scale(1 / MathF.Sqrt(map.Width * map.Height)), 0, 2, 3, 1);
        var key = Split(block.Key, 0, 2, 1, 3);
        var weights = graph.Node("Softmax", [graph.Node("MatMul", [query, key])], ("axis", -1));
        var attended = graph.Node("MatMul", [weights, Split(block.Value, 0, 2, 3, 1)]);
        return Shape(graph.Node("Transpose", [attended], ("perm", new[] { 0, 3, 1, 2 })), 0, 0, map.Channels);

        string Split(Linear layer, params int[] order) =>
            graph.Node("Transpose", [Shape(_blocks.Linears.Apply(tokens, layer, format), 0, 0, groups, size)], ("perm", order));
    }

    private Map Convolve(Map map, Convolution by)
    {
        var weight = graph.Constant(Tensor.FromFloats(by.Weight, [by.Outputs, by.Inputs / by.Groups, by.Kernel, by.Kernel]));
        var value = graph.Node(
            "Conv", [map.Value, weight, _blocks.Vector(by.Bias)],
            ("kernel_shape", new[] { by.Kernel, by.Kernel }), ("strides", new[] { by.Stride, by.Stride }),
            ("pads", new[] { by.Padding, by.Padding, by.Padding, by.Padding }), ("group", by.Groups));
        return new Map(value, by.Side(map.Width), by.Side(map.Height), by.Outputs);
    }

    private string OverChannels(Map map, LayerNorm norm) => graph.Node(
        "Transpose", [_blocks.Norm(graph.Node("Transpose", [map.Value], ("perm", new[] { 0, 2, 3, 1 })), norm)], ("perm", new[] { 0, 3, 1, 2 }));

    private string Tokens(Map map) =>
        graph.Node("Transpose", [Shape(map.Value, 0, map.Channels, map.Width * map.Height)], ("perm", new[] { 0, 2, 1 }));

    private string OfTokens(string tokens, Map map) =>
        Shape(graph.Node("Transpose", [tokens], ("perm", new[] { 0, 2, 1 })), 0, map.Channels, map.Height, map.Width);

    private string Exchange(string value) => graph.Node("Transpose", [value], ("perm", new[] { 0, 1, 3, 2, 4, 5 }));

    private string Shape(string value, params long[] dims) => graph.Node("Reshape", [value, graph.Constant(Tensor.FromInt64(dims, [dims.Length]))]);

    /// <summary>A value [batch, channels, height, width].</summary>
    private readonly record struct Map(string Value, int Width, int Height, int Channels);
}
