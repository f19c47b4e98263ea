using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;

/// <summary>One step of a GPT-2 decoder for one token a row.</summary>
/// <param name="graph">The graph.</param>
/// <param name="decoder">The parameters.</param>
/// <param name="cache">How self attention keeps what came before.</param>
internal sealed class DecoderBlocks(CudaGraph graph, DecoderParameters decoder, CacheKind cache)
{
    private readonly DecoderLayer[] _layers = [.. decoder.Layers.Select(Prepare)];
    private string _images = "";

    private GraphBuilder Builder => graph.Builder;

    /// <summary>The same function with as few additions of biases as the norms' gammas allow.</summary>
    public static DecoderLayer Prepare(DecoderLayer layer)
    {
        var prepared = layer with
        {
            CrossKey = layer.CrossKey with { Bias = null },
            CrossValue = layer.CrossValue with { Bias = null },
            CrossOutput = layer.CrossOutput with { Bias = BiasFold.OutputBias(layer.CrossOutput, layer.CrossValue, null) },
        };
        return layer.CrossQuery.Bias is not null && BiasFold.Move(layer.CrossNorm) is var (norm, shift, constant)
            ? prepared with { CrossNorm = norm, CrossQuery = BiasFold.Fold(layer.CrossQuery, norm.Gamma, shift, constant) }
            : prepared;
    }

    /// <summary>Greedy search: a row an image, [images, 1, D] throughout.</summary>
    /// <returns>The normed state of the last block, [images, 1, D].</returns>
    public string Greedy()
    {
        var ids = Builder.Input(CaptionerNames.Ids, ElementType.Int64, "images", 1);
        var (normed, residual) = graph.SkipNorm(Embed(ids), Place(), _layers[0].Norm1, null);
        return Blocks(normed, residual, "images", null);
    }

    /// <summary>Beam search: [images, beams, D], so that an image's beams share its keys and values.</summary>
    /// <param name="indirection">See <see cref="CaptionerNames.Indirection"/>.</param>
    /// <returns>The normed state of the last block, [images, beams, D].</returns>
    public string Beams(string indirection)
    {
        var ids = Builder.Input(CaptionerNames.Ids, ElementType.Int64, "images", "beams");
        var states = Builder.Node("Add", [Embed(ids), Place()]);
        _images = Builder.Node("Concat", [Builder.Node("Shape", [ids]), graph.Integers(-1)], ("axis", 0));
        return Blocks(graph.Norm(states, _layers[0].Norm1), states, "rows", indirection);
    }

    private string Embed(string ids) => Builder.Node("Gather", [graph.Weight(decoder.TokenEmbedding), ids]);

    private string Place() =>
        Builder.Node("Gather", [graph.Weight(decoder.Positions), Builder.Input(CaptionerNames.Position, ElementType.Int64, 1, 1)]);

    private string Blocks(string normed, string residual, string rows, string? indirection)
    {
        var length = cache == CacheKind.Shared ? Builder.Input(CaptionerNames.PastLength, ElementType.Int32, 1) : "";
        var width = indirection is null ? "" : Builder.Input(CaptionerNames.BeamWidth, ElementType.Int32, 1);
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            var attended = cache == CacheKind.Shared ? SharedCache(i, normed, rows, length, width, indirection) : GrowingCache(i, normed, rows);
            (normed, residual) = graph.SkipNorm(graph.MatMul(attended, layer.Output.Weight), residual, layer.CrossNorm, layer.Output.Bias);
            var crossed = graph.Attention(graph.Linear(normed, layer.CrossQuery), Cross(CaptionerNames.CrossKey(i), layer), Cross(CaptionerNames.CrossValue(i), layer), layer.CrossHeads);
            (normed, residual) = graph.SkipNorm(graph.MatMul(crossed, layer.CrossOutput.Weight), residual, layer.Norm2, layer.CrossOutput.Bias);
            var added = graph.MatMul(graph.Activate(normed, layer.Up, decoder.Activation), layer.Down.Weight);
            if (i == _layers.Length - 1)
                return graph.LastNorm(added, residual, decoder.FinalNorm, layer.Down.Bias);
            (normed, residual) = graph.SkipNorm(added, residual, _layers[i + 1].Norm1, layer.Down.Bias);
        }

        throw new InvalidDataException("a decoder without blocks");
    }

    private string Cross(string name, DecoderLayer layer) => Builder.Input(name, graph.Type, "images", "positions", layer.CrossHeads * layer.HeadSize);

    // Keys and values are written into the cache where it lies.
    private string SharedCache(int index, string normed, string rows, string length, string width, string? indirection)
    {
        var layer = _layers[index];
        var inner = layer.Heads * layer.HeadSize;
        var packed = graph.MatMul(normed, Pack(layer));
        if (indirection is not null)
            packed = Builder.Node("Reshape", [packed, graph.Integers(-1, 1, 3 * inner)]);
        Dim[] dims = [rows, layer.Heads, "length", layer.HeadSize];
        var past = (
            Key: Builder.Input(CaptionerNames.PastKey(index), graph.Type, dims),
            Value: Builder.Input(CaptionerNames.PastValue(index), graph.Type, dims));
        var outputs = Builder.Nodes(
            "DecoderMaskedMultiHeadAttention", GraphBuilder.MicrosoftDomain,
            [packed, "", "", "", "", past.Key, past.Value, length, width, indirection ?? "", PackBias(layer)], [true, true, true],
            ("num_heads", layer.Heads), ("past_present_share_buffer", 1));
        Builder.Output(outputs[1], CaptionerNames.PresentKey(index), graph.Type, dims);
        Builder.Output(outputs[2], CaptionerNames.PresentValue(index), graph.Type, dims);
        return indirection is null ? outputs[0] : Builder.Node("Reshape", [outputs[0], _images]);
    }

    private string GrowingCache(int index, string normed, string rows)
    {
        var layer = _layers[index];
        Dim[] before = [rows, layer.Heads, "past", layer.HeadSize];
        Dim[] after = [rows, layer.Heads, "present", layer.HeadSize];
        var key = Builder.Input(CaptionerNames.PastKey(index), graph.Type, before);
        var value = Builder.Input(CaptionerNames.PastValue(index), graph.Type, before);
        var outputs = Builder.Nodes(
            "MultiHeadAttention", GraphBuilder.MicrosoftDomain,
            [graph.MatMul(normed, layer.Query.Weight), graph.MatMul(normed, layer.Key.Weight), graph.MatMul(normed, layer.Value.Weight), PackBias(layer), "", "", key, value],
            [true, true, true], ("num_heads", layer.Heads));
        Builder.Output(outputs[1], CaptionerNames.PresentKey(index), graph.Type, after);
        Builder.Output(outputs[2], CaptionerNames.PresentValue(index), graph.Type, after);
        return outputs[0];
    }

    private static Matrix Pack(DecoderLayer layer)
    {
        var inner = layer.Query.Outputs;
        var values = new float[layer.Query.Inputs * 3 * inner];
        for (var row = 0; row < layer.Query.Inputs; row++)
        {
            layer.Query.Weight.Row(row).CopyTo(values.AsSpan(row * 3 * inner));
            layer.Key.Weight.Row(row).CopyTo(values.AsSpan((row * 3 * inner) + inner));
            layer.Value.Weight.Row(row).CopyTo(values.AsSpan((row * 3 * inner) + (2 * inner)));
        }

        return new Matrix(layer.Query.Inputs, 3 * inner, values);
    }

    private string PackBias(DecoderLayer layer)
    {
        var inner = layer.Query.Outputs;
        var bias = new float[3 * inner];
        layer.Query.Bias?.CopyTo(bias, 0);
        layer.Key.Bias?.CopyTo(bias, inner);
        layer.Value.Bias?.CopyTo(bias, 2 * inner);
        return graph.Vector(bias);
    }
}

/// <summary>How self attention keeps the keys and values of earlier tokens.</summary>
internal enum CacheKind
{
    /// <summary>In one block of the final length, written where it lies: fast, on CUDA, for heads of 32, 64 or 128.</summary>
    Shared,

    /// <summary>Copied and lengthened by each step: on any provider, for heads of any size.</summary>
    Growing,
}
