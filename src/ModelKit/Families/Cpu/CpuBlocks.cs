using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>The parts that blocks of encoders and decoders have in common, for the CPU.</summary>
/// <param name="graph">The graph.</param>
internal sealed class CpuBlocks(GraphBuilder graph)
{
    /// <summary>The graph's linear layers.</summary>
    public CpuLinears Linears { get; } = new(graph);

    /// <summary>A norm over the last axis.</summary>
    public string Norm(string input, LayerNorm norm) => graph.Node(
        "LayerNormalization",
        [input, Vector(norm.Gamma), Vector(norm.Beta)],
        ("axis", -1),
        ("epsilon", norm.Epsilon));

    /// <summary>One block of an encoder over all positions.</summary>
    /// <param name="states">[batch, positions, D].</param>
    /// <param name="layer">The block.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="causal">Whether a position sees only itself and those before it.</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <returns>[batch, positions, D].</returns>
    public string Encode(string states, EncoderLayer layer, Activation activation, bool causal, LinearFormat format) =>
        Encode(states, layer, activation, causal, format, static value => value);

    /// <summary>One block of an encoder of which only some positions are wanted.</summary>
    /// <param name="states">[batch, positions, D].</param>
    /// <param name="layer">The block.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="causal">Whether a position sees only itself and those before it.</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <param name="pick">Picks the positions of a value [batch, positions, D]; keys and values are made of all.</param>
    /// <returns>[batch, picked positions, D].</returns>
    public string Encode(string states, EncoderLayer layer, Activation activation, bool causal, LinearFormat format, Func<string, string> pick)
    {
        // ONNX Runtime's SkipLayerNormalization does sum and norm in one, three times slower than these two nodes (1.31, CPU).
        var normed = layer.NormsBehind ? states : Norm(states, layer.Norm1);
        var attended = Attend(pick(normed), normed, (layer.Query, layer.Key, layer.Value), layer.Heads, causal, format);
        states = graph.Node("Add", [pick(states), Linears.Apply(attended, layer.Output, format)]);
        if (layer.NormsBehind)
            states = Norm(states, layer.Norm1);
        return FeedForward(states, layer.Norm2, layer.NormsBehind, layer.Up, layer.Down, activation, format);
    }

    /// <summary>One block of an encoder that also reads states of something else: self attention, attention to those, feed-forward part.</summary>
    /// <param name="states">[batch, positions, D].</param>
    /// <param name="others">[batch, other positions, width].</param>
    /// <param name="layer">The block; every position sees all.</param>
    /// <param name="activation">Its activation.</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <returns>[batch, positions, D].</returns>
    public string Read(string states, string others, DecoderLayer layer, Activation activation, LinearFormat format)
    {
        states = Residual(states, layer.Norm1, layer.NormsBehind, value => Linears.Apply(
            Attend(value, value, (layer.Query, layer.Key, layer.Value), layer.Heads, false, format), layer.Output, format));
        states = Residual(states, layer.CrossNorm, layer.NormsBehind, value => Linears.Apply(
            Attend(value, others, (layer.CrossQuery, layer.CrossKey, layer.CrossValue), layer.CrossHeads, false, format), layer.CrossOutput, format));
        return FeedForward(states, layer.Norm2, layer.NormsBehind, layer.Up, layer.Down, activation, format);
    }

    /// <summary>A part of a block and the sum behind it: states + part(norm(states)), or norm(states + part(states)).</summary>
    /// <param name="states">What goes in.</param>
    /// <param name="norm">The norm.</param>
    /// <param name="behind">Whether it stands behind the sum.</param>
    /// <param name="part">Adds the part.</param>
    public string Residual(string states, LayerNorm norm, bool behind, Func<string, string> part) => behind
        ? Norm(graph.Node("Add", [states, part(states)]), norm)
        : graph.Node("Add", [states, part(Norm(states, norm))]);

    /// <summary>The feed-forward part, down(activation(up(x))), as a <see cref="Residual"/>.</summary>
    public string FeedForward(
        string states, LayerNorm norm, bool normBehind, Linear up, Linear down, Activation activation, LinearFormat format) =>
        Residual(states, norm, normBehind, value => Linears.Apply(Activate(Linears.Apply(value, up, format), activation), down, format));

    /// <summary>Declares, for each block of a decoder, what its cross attention needs of the encoder's states: <c>cross.N.key</c> and <c>.value</c>.</summary>
    /// <param name="states">[batch, positions, D].</param>
    /// <param name="layers">The decoder's blocks.</param>
    /// <param name="positions">How many positions there are.</param>
    /// <param name="format">Format of the linear layers.</param>
    public void OutputCross(string states, IReadOnlyList<DecoderLayer> layers, Dim positions, LinearFormat format)
    {
        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            Output("key", layer.CrossKey);
            Output("value", layer.CrossValue);

            void Output(string what, Linear linear)
            {
                var shape = graph.Constant(Tensor.FromInt64([0, 0, layer.CrossHeads, layer.HeadSize], [4]));
                var split = graph.Node("Reshape", [Linears.Apply(states, linear, format), shape]);
                graph.Output(
                    graph.Node("Transpose", [split], ("perm", new[] { 0, 2, 1, 3 })), $"cross.{i}.{what}",
                    ElementType.Float, "batch", layer.CrossHeads, positions, layer.HeadSize);
            }
        }
    }

    /// <summary>Token and position embeddings of texts.</summary>
    /// <param name="tokens">[tokens, D].</param>
    /// <param name="positions">[positions, D].</param>
    /// <param name="ids">int64 [batch, positions].</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <returns>[batch, positions, D].</returns>
    public string Embed(Matrix tokens, Matrix positions, string ids, LinearFormat format) => AddPositions(Look(tokens, ids, format), positions);

    /// <summary>States and the first rows of a table, as many as there are states.</summary>
    /// <param name="states">[batch, positions, D].</param>
    /// <param name="positions">[positions, D].</param>
    public string AddPositions(string states, Matrix positions)
    {
        var count = graph.Node("Shape", [states], ("start", 1), ("end", 2));
        var zero = graph.Constant(Tensor.FromInt64([0], [1]));
        var table = graph.Constant(Tensor.FromFloats(positions.Values, [positions.Rows, positions.Columns]));
        return graph.Node("Add", [states, graph.Node("Slice", [table, zero, count, zero])]);
    }

    /// <summary>Rows of a table by their numbers. Beside 8-bit layers the table is kept in 16 bits: half the memory, rounded far less than those.</summary>
    /// <param name="table">[rows, D].</param>
    /// <param name="numbers">int64 [...].</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <returns>[..., D].</returns>
    public string Look(Matrix table, string numbers, LinearFormat format)
    {
        var type = format == LinearFormat.Float ? ElementType.Float : ElementType.Float16;
        var rows = graph.Node("Gather", [graph.Constant(Tensor.FromFloats(table.Values, [table.Rows, table.Columns], type)), numbers]);
        return type == ElementType.Float ? rows : graph.Node("Cast", [rows], ("to", ElementType.Float));
    }

    /// <summary>A vector as a constant.</summary>
    public string Vector(float[] values) => graph.Constant(Tensor.FromFloats(values, [values.Length]));

    /// <summary>An activation.</summary>
    public string Activate(string input, Activation activation) => activation switch
    {
        Activation.GeluTanh => graph.Node("Gelu", [input], ("approximate", "tanh")),
        Activation.QuickGelu => graph.Microsoft("QuickGelu", [input], ("alpha", 1.702f)),
        Activation.Relu => graph.Node("Relu", [input]),
        _ => graph.Node("Gelu", [input]),
    };

    private string Attend(string queries, string states, (Linear Query, Linear Key, Linear Value) layers, int heads, bool causal, LinearFormat format) =>
        graph.Microsoft(
            "MultiHeadAttention",
            [Linears.Apply(queries, layers.Query, format), Linears.Apply(states, layers.Key, format), Linears.Apply(states, layers.Value, format)],
            ("num_heads", heads),
            ("unidirectional", causal));
}
