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
        var attended = graph.Microsoft(
            "MultiHeadAttention",
            [
                Linears.Apply(pick(normed), layer.Query, format),
                Linears.Apply(normed, layer.Key, format),
                Linears.Apply(normed, layer.Value, format),
            ],
            ("num_heads", layer.Heads),
            ("unidirectional", causal));
        states = graph.Node("Add", [pick(states), Linears.Apply(attended, layer.Output, format)]);
        if (layer.NormsBehind)
            states = Norm(states, layer.Norm1);
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
    /// <param name="text">The text tower.</param>
    /// <param name="ids">int64 [batch, positions].</param>
    /// <param name="format">Format of the linear layers.</param>
    /// <returns>[batch, positions, D].</returns>
    public string Embed(TextParameters text, string ids, LinearFormat format)
    {
        var states = Look(text.TokenEmbedding, ids, format);
        var length = graph.Node("Shape", [ids], ("start", 1), ("end", 2));
        var zero = graph.Constant(Tensor.FromInt64([0], [1]));
        var positions = graph.Constant(Tensor.FromFloats(text.Positions.Values, [text.Positions.Rows, text.Positions.Columns]));
        return graph.Node("Add", [states, graph.Node("Slice", [positions, zero, length, zero])]);
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
}
