using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>Nodes of the operators that the worker brings, and when a graph may have them: never of 32-bit floats, which run anywhere.</summary>
internal static class FusedNodes
{
    // A thread's share of a row; and channels times rows of a block, which a map's channels must divide.
    private const int Vector = 8;
    private const int Block = 2048;
    private const int Taps = 9;

    // Values of a row that the threads of a warp hold, eight each; and of the widest.
    private const int Narrow = 256;
    private const int Wide = 2048;

    // Positions of a warp, and of a block, of an attention within windows; and values of a head's keys, three times as many of which a block has memory for.
    private const int WindowStep = 16;
    private const int MostPositions = 192;
    private const int MostInWindow = 8192;

    // Queries of a head of keys that a thread's registers hold.
    private const int MostQueries = 8;

    // An attention's states: what its kernel's warps share evenly, and what fits.
    private const int FewWarpsWidth = 768;
    private const int FewWarpsStep = 64;
    private const int ManyWarpsWidth = 1024;
    private const int ManyWarpsStep = 128;

    /// <summary>Whether there are kernels for the activations of rows of some width.</summary>
    public static bool TakesActivation(CudaGraph graph, int columns) => graph.Type == ElementType.Float16 && columns % Vector == 0;

    /// <summary>Whether there is a kernel for a convolution and its norm.</summary>
    public static bool TakesDepthwise(CudaGraph graph, Convolution by) =>
        graph.Type == ElementType.Float16 && by is { Kernel: 3, Stride: 1, Padding: 1 } && by.Groups == by.Outputs && by.Inputs == by.Outputs
        && by.Outputs % Vector == 0 && Block % by.Outputs == 0;

    /// <summary>Whether there is a kernel for attention to states of some width.</summary>
    public static bool TakesLatent(CudaGraph graph, int width) => graph.Type == ElementType.Float16
        && (width <= FewWarpsWidth ? width % FewWarpsStep == 0 : width <= ManyWarpsWidth && width % ManyWarpsStep == 0);

    /// <summary>Whether there is a kernel for a linear layer and what follows it.</summary>
    public static bool TakesLinear(CudaGraph graph, Linear linear) => TakesActivation(graph, linear.Outputs) && linear.Inputs % Vector == 0;

    /// <summary>activation(x * weight + bias); activation is <see cref="FusedNames.Activation"/>'s number.</summary>
    public static string Linear(CudaGraph graph, string x, Linear linear, int activation = 0) => graph.Builder.Nodes(
        FusedNames.Linear, FusedNames.Domain, Layer(graph, x, linear), [true], (FusedNames.Depth, linear.Inputs), (FusedNames.Columns, linear.Outputs),
        (FusedNames.Activation, activation), (FusedNames.Biased, linear.Bias is not null))[0];

    /// <summary>x * weight + bias + added.</summary>
    public static string SumLinear(CudaGraph graph, string x, Linear linear, string added) => graph.Builder.Nodes(
        FusedNames.SumLinear, FusedNames.Domain, [.. Layer(graph, x, linear), added], [true], (FusedNames.Depth, linear.Inputs), (FusedNames.Columns, linear.Outputs))[0];

    /// <summary>x * weight + bias + added, and its norm.</summary>
    public static (string Normed, string Sum) NormLinear(CudaGraph graph, string x, Linear linear, string added, LayerNorm norm)
    {
        var outputs = graph.Builder.Nodes(
            FusedNames.NormLinear, FusedNames.Domain,
            [.. Layer(graph, x, linear), added, Exact(graph, norm.Gamma, linear.Outputs), Exact(graph, norm.Beta, linear.Outputs)], [true, true],
            (FusedNames.Depth, linear.Inputs), (FusedNames.Columns, linear.Outputs), (FusedNames.Epsilon, norm.Epsilon));
        return (outputs[0], outputs[1]);
    }

    /// <summary>The convolution of map + added + shift, and its norm, both [images, places, C].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="map">[images, places, C].</param>
    /// <param name="added">The same; null where nothing is added.</param>
    /// <param name="shift">[C]; null is zeros.</param>
    /// <param name="taps">The convolution's weight, [9, C].</param>
    /// <param name="bias">The convolution's, [C].</param>
    /// <param name="norm">Behind it.</param>
    /// <param name="size">Of the map.</param>
    /// <param name="sides">Places of a window's side where <paramref name="added"/>, and where the norm, has them window by window; 0 where not.</param>
    public static (string Convolved, string Normed) DepthwiseNorm(
        CudaGraph graph, string map, string? added, float[]? shift, float[] taps, float[] bias, LayerNorm norm, (int Width, int Height) size,
        (int Added, int Normed) sides)
    {
        var channels = bias.Length;
        string[] read = added is null ? [map] : [map, added, Exact(graph, shift ?? new float[channels], channels)];
        var outputs = graph.Builder.Nodes(
            added is null ? FusedNames.DepthwiseNorm : FusedNames.SumDepthwiseNorm, FusedNames.Domain,
            [.. read, Exact(graph, taps, Taps, channels), Exact(graph, bias, channels), Exact(graph, norm.Gamma, channels), Exact(graph, norm.Beta, channels)], [true, true],
            (FusedNames.Columns, channels), (FusedNames.Width, size.Width), (FusedNames.Height, size.Height), (FusedNames.Epsilon, norm.Epsilon),
            (FusedNames.InSide, sides.Added), (FusedNames.OutSide, sides.Normed));
        return (outputs[0], outputs[1]);
    }

    /// <summary>Whether there is a kernel for the norm of rows of some width.</summary>
    public static bool TakesRowNorm(CudaGraph graph, int columns) =>
        TakesActivation(graph, columns) && columns <= Wide && (columns > Narrow || int.IsPow2(columns));

    /// <summary>Whether there is a kernel for a linear layer, a sum and the norm behind it.</summary>
    public static bool TakesNormLinear(CudaGraph graph, Linear linear) => TakesLinear(graph, linear) && TakesRowNorm(graph, linear.Outputs);

    /// <summary>The norm of x + added + shift, [..., C].</summary>
    public static string RowNorm(CudaGraph graph, string x, string? added, float[]? shift, LayerNorm norm)
    {
        var columns = norm.Gamma.Length;
        string[] read = added is null ? [x] : [x, added];
        return graph.Builder.Nodes(
            added is null ? FusedNames.RowNorm : FusedNames.SumRowNorm, FusedNames.Domain,
            [.. read, Exact(graph, shift ?? new float[columns], columns), Exact(graph, norm.Gamma, columns), Exact(graph, norm.Beta, columns)], [true],
            (FusedNames.Columns, columns), (FusedNames.Epsilon, norm.Epsilon))[0];
    }

    /// <summary>What queries [images, rows, heads * D] find in states [images, positions, D], which are keys and values of all heads.</summary>
    public static string LatentAttention(CudaGraph graph, string queries, string states, int heads, int width, float scale, bool reversed) => graph.Builder.Nodes(
        FusedNames.LatentAttention, FusedNames.Domain, [queries, states], [true, true], (FusedNames.Columns, width), (FusedNames.Heads, heads), (FusedNames.Scale, scale),
        (FusedNames.Reversed, reversed))[0];

    /// <summary>Whether there is a kernel for attention within windows of so many positions, by heads of some size.</summary>
    public static bool TakesWindows(CudaGraph graph, int positions, int size) =>
        graph.Type == ElementType.Float16 && size is 16 or 32 or 64 && positions % WindowStep == 0 && positions <= MostPositions
        && positions * size <= MostInWindow;

    /// <summary>Attention within windows, of queries, keys and values side by side; see <see cref="FusedNames.WindowAttention"/>.</summary>
    public static string WindowAttention(CudaGraph graph, string packed, int positions, int heads, int size) => graph.Builder.Nodes(
        FusedNames.WindowAttention, FusedNames.Domain, [packed], [true], (FusedNames.Positions, positions), (FusedNames.Heads, heads), (FusedNames.Columns, size),
        (FusedNames.Scale, 1 / MathF.Sqrt(size)))[0];

    /// <summary>Whether there is a kernel for a step of attention with so many queries a head of keys, of so many values each.</summary>
    public static bool TakesGroupQuery(CudaGraph graph, int heads, int keyHeads, int size) =>
        graph.Type == ElementType.Float16 && size is 16 or 32 or 64 or 128 && heads % keyHeads == 0 && heads / keyHeads <= MostQueries;

    /// <summary>silu(x) * z of rows that hold both side by side.</summary>
    public static string GatedSilu(CudaGraph graph, string both, int columns) =>
        graph.Builder.Nodes(FusedNames.GatedSilu, FusedNames.Domain, [both], [true], (FusedNames.Columns, columns))[0];

    /// <summary>A step of attention; see <see cref="FusedNames.GroupQueryStep"/>.</summary>
    /// <returns>What it gives, and keys and values with this token's.</returns>
    public static string[] GroupQueryStep(CudaGraph graph, ReadOnlySpan<string> inputs, int heads, int keyHeads, int size, float scale) => graph.Builder.Nodes(
        FusedNames.GroupQueryStep, FusedNames.Domain, inputs, [true, true, true],
        (FusedNames.Heads, heads), (FusedNames.KeyHeads, keyHeads), (FusedNames.Columns, size), (FusedNames.Scale, scale));

    /// <summary>A step of attention with as many keys as queries; see <see cref="FusedNames.SelfAttentionStep"/>.</summary>
    /// <returns>What it gives, and keys and values with this token's.</returns>
    public static string[] SelfAttentionStep(CudaGraph graph, ReadOnlySpan<string> inputs, int heads, int size, float scale) => graph.Builder.Nodes(
        FusedNames.SelfAttentionStep, FusedNames.Domain, inputs, [true, true, true],
        (FusedNames.Heads, heads), (FusedNames.KeyHeads, heads), (FusedNames.Columns, size), (FusedNames.Scale, scale));

    private static string[] Layer(CudaGraph graph, string x, Linear linear) =>
        [x, graph.Weight(linear.Weight), Exact(graph, linear.Bias ?? new float[linear.Outputs], linear.Outputs)];

    // In 32 bits, whatever the graph's own format is.
    private static string Exact(CudaGraph graph, float[] values, params ReadOnlySpan<long> dims) =>
        graph.Builder.Constant(Tensor.FromFloats(values, dims, ElementType.Float));
}
