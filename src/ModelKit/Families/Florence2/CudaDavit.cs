using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>
/// DaViT for CUDA. Channels come last throughout, so that nothing is transposed but windows that are filled up. What a block adds to its tokens is added up by
/// the kernel of the convolution that reads them.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="vision">The tower.</param>
internal sealed class CudaDavit(CudaGraph graph, DavitParameters vision)
{
    /// <summary>The input: uint8 [images, height, width, 3], an image's own bytes.</summary>
    public const string Pixels = "pixels";

    private readonly ChannelAttention _channels = new(graph);

    private GraphBuilder Builder => graph.Builder;

    // cuDNN is fast with 16-bit floats where channels come last; 32-bit graphs also run on processors, whose convolutions take them first.
    private bool ChannelsLast => graph.Type == ElementType.Float16;

    /// <summary>The tokens of images.</summary>
    /// <returns>[images, tokens, width of the text model].</returns>
    public string Run(Normalization normalization)
    {
        var map = new Map(Image(normalization), vision.ImageWidth, vision.ImageHeight, 3);
        foreach (var stage in vision.Stages)
        {
            map = Patches(map, stage);
            foreach (var (spatial, channel) in stage.Blocks)
            {
                map = LookInWindows(map, spatial, stage.Heads);
                map = LookAmongChannels(map, channel, stage.Groups);
            }
        }

        var places = graph.Constant(DavitGrid.Places(vision, map.Width, map.Height), [1, map.Places, map.Channels]);
        var tokens = Builder.Node("Add", [Whole(map), places]);
        var mean = Builder.Node("ReduceMean", [tokens, graph.Integers(1)], ("keepdims", 1));
        var all = Builder.Node("Concat", [mean, tokens], ("axis", 1));
        var projected = EncoderBlocks.Project(graph, all, vision.Projection);
        return FusedNodes.TakesRowNorm(graph, vision.Projection.Outputs)
            ? FusedNodes.RowNorm(graph, projected, null, null, vision.Norm)
            : graph.Norm(projected, vision.Norm);
    }

    // The borders of the first convolution are zeros of the normalised image: normalisation can't be part of its weights.
    private string Image(Normalization by)
    {
        var input = Builder.Input(Pixels, ElementType.UInt8, "images", vision.ImageHeight, vision.ImageWidth, 3);
        float[] means = [by.MeanR, by.MeanG, by.MeanB];
        float[] deviations = [by.StdR, by.StdG, by.StdB];
        var values = Builder.Node("Sub", [
            Builder.Node("Cast", [input], ("to", graph.Type)), graph.Vector(Array.ConvertAll(means, mean => (float)(mean / by.RescaleFactor)))]);
        return Builder.Node("Mul", [values, graph.Vector(Array.ConvertAll(deviations, deviation => (float)(by.RescaleFactor / deviation)))]);
    }

    private Map Patches(Map map, DavitStage stage)
    {
        if (stage.NormInFront)
        {
            var normed = FusedNodes.TakesRowNorm(graph, map.Channels) ? FusedNodes.RowNorm(graph, map.Value, map.Added, map.Shift, stage.Norm)
                : map.Added is null ? graph.Norm(map.Value, stage.Norm)
                : graph.LastNorm(map.Added, map.Value, stage.Norm, map.Shift);
            return Convolve(map, normed, stage.Patches, stage.Patches.Bias);
        }

        var made = Convolve(map, Whole(map), stage.Patches, null);
        return made with
        {
            Value = FusedNodes.TakesRowNorm(graph, made.Channels) ? FusedNodes.RowNorm(graph, made.Value, null, stage.Patches.Bias, stage.Norm)
                : Norm(made, stage.Norm, stage.Patches.Bias),
        };
    }

    private Map LookInWindows(Map map, DavitBlock block, int heads)
    {
        var windows = new Windows(map.Width, map.Height, vision.WindowSize);
        // What fills windows up is zero whatever a norm gives: then its beta must stay.
        var layer = EncoderBlocks.Prepare(Layer(block, heads), vision.Activation, !windows.AreFilledUp);
        // The convolutions' kernel writes and reads places window by window, so that nothing is moved in between.
        var inside = !windows.AreFilledUp && FusedNodes.TakesDepthwise(graph, block.Before) && FusedNodes.TakesDepthwise(graph, block.Between);
        return Block(map, block, layer, inside ? windows.Side : 0, normed =>
        {
            var states = inside ? Shape(normed, -1, windows.Side * windows.Side, map.Channels) : Split(normed, windows, map.Channels);
            var attended = Attend(states, layer, windows.Side * windows.Side);
            var places = inside ? Shape(attended, -1, map.Places, map.Channels) : Join(attended, windows, map.Channels);
            return EncoderBlocks.Project(graph, places, layer.Output with { Bias = null });
        });
    }

    private string Attend(string states, EncoderLayer layer, int positions)
    {
        var (heads, size) = (layer.Heads, layer.HeadSize);
        if (!FusedNodes.TakesWindows(graph, positions, size))
            return EncoderBlocks.Attend(graph, states, states, layer, false);
        var packed = EncoderBlocks.Project(graph, states, HeadPacking.Pack(heads, size, size, layer.Query, layer.Key, layer.Value));
        return FusedNodes.WindowAttention(graph, packed, positions, heads, size);
    }

    private Map LookAmongChannels(Map map, DavitBlock block, int groups)
    {
        var (attention, norm) = ChannelAttention.Prepare(block);
        var layer = EncoderBlocks.Prepare(Layer(block, 1), vision.Activation, false) with { Norm1 = norm, Output = block.Output };
        return Block(map, block, layer, 0, normed => _channels.Attend(normed, attention, map.Places, groups));
    }

    // A block, whose attention gives what is added, without the output's bias; side: of the windows that it takes and gives places in, or 0.
    private Map Block(Map map, DavitBlock block, EncoderLayer layer, int side, Func<string, string> attend)
    {
        (map, var normed) = Look(map, block.Before, layer.Norm1, side);
        map = map.Plus(attend(normed), layer.Output.Bias) with { AddedSide = side };
        (map, normed) = Look(map, block.Between, layer.Norm2, 0);
        var fed = graph.Activate(normed, layer.Up, vision.Activation);
        return map is { Added: null, Shift: null } && FusedNodes.TakesLinear(graph, layer.Down)
            ? map with { Value = FusedNodes.SumLinear(graph, fed, layer.Down, map.Value) }
            : map.Plus(graph.MatMul(fed, layer.Down.Weight), layer.Down.Bias);
    }

    /// <summary>x + convolution(x), and its norm: one kernel that also adds up what x is the sum of, or several.</summary>
    private (Map Map, string Normed) Look(Map map, Convolution convolution, LayerNorm norm, int side)
    {
        var by = DavitGrid.WithIdentity(convolution);
        if (!FusedNodes.TakesDepthwise(graph, by))
        {
            var made = Convolve(map, Whole(map), by, null);
            return (made with { Shift = by.Bias }, Norm(made, norm, by.Bias));
        }

        // A shift alone would need another kernel: there is none where blocks follow each other.
        var whole = map.Added is null ? map with { Value = Whole(map), Shift = null } : map;
        var (value, normed) = FusedNodes.DepthwiseNorm(
            graph, whole.Value, whole.Added, whole.Shift, DavitGrid.Taps(by), by.Bias, norm, (map.Width, map.Height), (whole.AddedSide, side));
        return (map with { Value = value, Added = null, Shift = null, AddedSide = 0 }, normed);
    }

    // The norm of a convolution's result and its bias. The kernel adds a second value anyway: here the same one at every place.
    private string Norm(Map made, LayerNorm norm, float[] bias)
    {
        var rows = Shape(made.Value, -1, 1, made.Channels);
        return Shape(graph.LastNorm(rows, graph.Constant(bias, [1, 1, bias.Length]), norm, null), -1, made.Places, made.Channels);
    }

    // [images, places, C].
    private string Whole(Map map)
    {
        var sum = map.Added is null ? map.Value : Builder.Node("Add", [map.Value, map.Added]);
        return map.Shift is null ? sum : Builder.Node("Add", [sum, graph.Vector(map.Shift)]);
    }

    // Tokens to tokens.
    private Map Convolve(Map map, string tokens, Convolution by, float[]? bias)
    {
        (string, object)[] attributes =
        [
            ("kernel_shape", new[] { by.Kernel, by.Kernel }), ("strides", new[] { by.Stride, by.Stride }),
            ("pads", new[] { by.Padding, by.Padding, by.Padding, by.Padding }), ("group", by.Groups),
        ];
        string[] Operands(string value, string weight) => bias is null ? [value, weight] : [value, weight, graph.Vector(bias)];
        var made = new Map("", by.Side(map.Width), by.Side(map.Height), by.Outputs);
        Map Made(string grid) => made with { Value = Shape(grid, -1, made.Places, made.Channels) };
        var grid = Shape(tokens, -1, map.Height, map.Width, map.Channels);
        long inputs = by.Inputs / by.Groups;
        if (ChannelsLast)
        {
            var last = graph.Constant(DavitGrid.ChannelsLast(by), [by.Outputs, by.Kernel, by.Kernel, inputs]);
            return Made(Builder.Microsoft("NhwcConv", Operands(grid, last), attributes));
        }

        var first = Builder.Node("Transpose", [grid], ("perm", new[] { 0, 3, 1, 2 }));
        var value = Builder.Node("Conv", Operands(first, graph.Constant(by.Weight, [by.Outputs, inputs, by.Kernel, by.Kernel])), attributes);
        return Made(Builder.Node("Transpose", [value], ("perm", new[] { 0, 2, 3, 1 })));
    }

    // [images, places, C] to [windows, places of a window, C]. Windows at the right and at the bottom are filled up with zeros, which take part.
    private string Split(string tokens, Windows windows, int channels)
    {
        if (windows.AreFilledUp)
        {
            var grid = Shape(tokens, -1, windows.Height, windows.Width, channels);
            var (below, right) = ((windows.Down * windows.Side) - windows.Height, (windows.Across * windows.Side) - windows.Width);
            tokens = Builder.Node("Pad", [grid, graph.Integers(0, 0, 0, 0, 0, below, right, 0)]);
        }

        var exchanged = Exchange(Shape(tokens, -1, windows.Side, windows.Across, windows.Side * channels));
        return Shape(exchanged, -1, windows.Side * windows.Side, channels);
    }

    private string Join(string attended, Windows windows, int channels)
    {
        var rows = Exchange(Shape(attended, -1, windows.Across, windows.Side, windows.Side * channels));
        var grid = Shape(rows, -1, windows.Down * windows.Side, windows.Across * windows.Side, channels);
        if (windows.AreFilledUp)
            grid = Builder.Node("Slice", [grid, graph.Integers(0, 0), graph.Integers(windows.Height, windows.Width), graph.Integers(1, 2)]);
        return Shape(grid, -1, windows.Width * windows.Height, channels);
    }

    private string Exchange(string value) => Builder.Node("Transpose", [value], ("perm", new[] { 0, 2, 1, 3 }));

    private string Shape(string value, params ReadOnlySpan<long> dims) => Builder.Node("Reshape", [value, graph.Integers(dims)]);

    private static EncoderLayer Layer(DavitBlock block, int heads) => new(
        block.Norm1, block.Query, block.Key, block.Value, block.Output, block.Norm2, block.Up, block.Down, heads, block.Query.Outputs / heads);

    /// <summary>Value + Added + Shift of [images, places, channels]: whoever reads it adds it up.</summary>
    private readonly record struct Map(string Value, int Width, int Height, int Channels)
    {
        public int Places => Width * Height;

        public string? Added { get; init; }

        public float[]? Shift { get; init; }

        // Of windows, where what is added has its places window by window.
        public int AddedSide { get; init; }

        public Map Plus(string added, float[]? bias) => this with
        {
            Added = added,
            Shift = Shift is null || bias is null ? Shift ?? bias : [.. Shift.Zip(bias, static (one, other) => one + other)],
        };
    }

    /// <summary>How a grid is cut into windows.</summary>
    private readonly record struct Windows(int Width, int Height, int Side)
    {
        public int Across => (Width + Side - 1) / Side;

        public int Down => (Height + Side - 1) / Side;

        public bool AreFilledUp => (Across * Side) + (Down * Side) > Width + Height;
    }
}
