using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Florence2;

/// <summary>DaViT for CUDA. Channels come last throughout, so that nothing is transposed but what becomes a window.</summary>
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
        var tokens = Builder.Node("Add", [Tokens(map), places]);
        var mean = Builder.Node("ReduceMean", [tokens, graph.Integers(1)], ("keepdims", 1));
        var all = Builder.Node("Concat", [mean, tokens], ("axis", 1));
        return graph.Norm(graph.Linear(all, vision.Projection), vision.Norm);
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
            return Convolve(map with { Value = graph.Norm(map.Value, stage.Norm) }, stage.Patches, stage.Patches.Bias);
        var made = Convolve(map, stage.Patches, null);
        return made with { Value = Shape(Norm(made, stage.Norm, stage.Patches.Bias), -1, made.Height, made.Width, made.Channels) };
    }

    private Map LookInWindows(Map map, DavitBlock block, int heads)
    {
        var windows = new Windows(map.Width, map.Height, vision.WindowSize);
        // What fills windows up is zero whatever a norm gives: then its beta must stay.
        var layer = EncoderBlocks.Prepare(Layer(block, heads), vision.Activation, !windows.AreFilledUp);
        return Block(map, block, layer, normed =>
        {
            var states = Split(normed, windows, map.Channels);
            var attended = Join(EncoderBlocks.Attend(graph, states, states, layer, false), windows, map.Channels);
            return graph.MatMul(attended, layer.Output.Weight);
        });
    }

    private Map LookAmongChannels(Map map, DavitBlock block, int groups)
    {
        var (attention, norm) = ChannelAttention.Prepare(block);
        var layer = EncoderBlocks.Prepare(Layer(block, 1), vision.Activation, false) with { Norm1 = norm, Output = block.Output };
        return Block(map, block, layer, normed => _channels.Attend(normed, attention, map.Places, groups));
    }

    /// <summary>
    /// A block, whose attention gives what is added, without <c>layer.Output.Bias</c>. A convolution's bias is added where its result is read: by the
    /// norm, and by the sum.
    /// </summary>
    private Map Block(Map map, DavitBlock block, EncoderLayer layer, Func<string, string> attend)
    {
        map = Convolve(map, DavitGrid.WithIdentity(block.Before), null);
        map = Add(map, attend(Norm(map, layer.Norm1, block.Before.Bias)), layer.Norm1, block.Before.Bias, layer.Output.Bias);
        map = Convolve(map, DavitGrid.WithIdentity(block.Between), null);
        var inner = graph.Activate(Norm(map, layer.Norm2, block.Between.Bias), layer.Up, vision.Activation);
        return Add(map, graph.MatMul(inner, layer.Down.Weight), layer.Norm2, block.Between.Bias, layer.Down.Bias);
    }

    // The norm of a convolution's result and its bias, [images, places, C]. The kernel adds a second value anyway: here the same one at every place.
    private string Norm(Map map, LayerNorm norm, float[] bias)
    {
        var rows = Shape(map.Value, -1, 1, map.Channels);
        return Shape(graph.LastNorm(rows, graph.Constant(bias, [1, 1, bias.Length]), norm, null), -1, map.Places, map.Channels);
    }

    // The sum is the second result of a kernel that also makes a norm: cheaper than two kernels that add, though nobody reads the norm.
    private Map Add(Map map, string added, LayerNorm norm, float[] bias, float[]? more)
    {
        var sum = graph.SkipNorm(added, Tokens(map), norm, [.. bias.Select((value, i) => value + (more?[i] ?? 0))]).Residual;
        return map with { Value = Shape(sum, -1, map.Height, map.Width, map.Channels) };
    }

    private Map Convolve(Map map, Convolution by, float[]? bias)
    {
        (string, object)[] attributes =
        [
            ("kernel_shape", new[] { by.Kernel, by.Kernel }), ("strides", new[] { by.Stride, by.Stride }),
            ("pads", new[] { by.Padding, by.Padding, by.Padding, by.Padding }), ("group", by.Groups),
        ];
        string[] Operands(string value, string weight) => bias is null ? [value, weight] : [value, weight, graph.Vector(bias)];
        var made = new Map("", by.Side(map.Width), by.Side(map.Height), by.Outputs);
        long inputs = by.Inputs / by.Groups;
        if (ChannelsLast)
        {
            var last = graph.Constant(DavitGrid.ChannelsLast(by), [by.Outputs, by.Kernel, by.Kernel, inputs]);
            return made with { Value = Builder.Microsoft("NhwcConv", Operands(map.Value, last), attributes) };
        }

        var first = Builder.Node("Transpose", [map.Value], ("perm", new[] { 0, 3, 1, 2 }));
        var value = Builder.Node("Conv", Operands(first, graph.Constant(by.Weight, [by.Outputs, inputs, by.Kernel, by.Kernel])), attributes);
        return made with { Value = Builder.Node("Transpose", [value], ("perm", new[] { 0, 2, 3, 1 })) };
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

    private string Tokens(Map map) => Shape(map.Value, -1, map.Places, map.Channels);

    private string Shape(string value, params ReadOnlySpan<long> dims) => Builder.Node("Reshape", [value, graph.Integers(dims)]);

    private static EncoderLayer Layer(DavitBlock block, int heads) => new(
        block.Norm1, block.Query, block.Key, block.Value, block.Output, block.Norm2, block.Up, block.Down, heads, block.Query.Outputs / heads);

    /// <summary>A value [images, height, width, channels].</summary>
    private readonly record struct Map(string Value, int Width, int Height, int Channels)
    {
        public int Places => Width * Height;
    }

    /// <summary>How a grid is cut into windows.</summary>
    private readonly record struct Windows(int Width, int Height, int Side)
    {
        public int Across => (Width + Side - 1) / Side;

        public int Down => (Height + Side - 1) / Side;

        public bool AreFilledUp => (Across * Side) + (Down * Side) > Width + Height;
    }
}
