using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>One step of a decoder with cross attention, for one token a row.</summary>
/// <param name="graph">The graph.</param>
/// <param name="decoder">The decoder.</param>
/// <param name="cache">How self attention keeps what came before.</param>
internal sealed class DecoderBlocks(CudaGraph graph, StepDecoder decoder, CacheKind cache)
{
    // What the shared cache's kernel knows.
    private static readonly int[] CacheSizes = [32, 64, 128];

    private readonly DecoderLayer[] _layers = [.. decoder.Layers.Select(Prepare)];
    private readonly bool _latent = LatentCross.Fits(graph, decoder.Layers);
    private string _images = "";
    private string _states = "";

    // Where norms stand behind, what is added to is the normed sum itself; there is one behind the embeddings, and none is left for the end.
    private bool NormsBehind => decoder.FinalNorm is null;

    private LayerNorm FirstNorm => decoder.EmbeddingNorm ?? _layers[0].Norm1;

    private GraphBuilder Builder => graph.Builder;

    /// <summary>Whether there is a kernel for the decoder's heads: narrower ones than it knows are padded.</summary>
    public static bool Supports(StepDecoder decoder) => decoder.Layers.All(layer => layer.HeadSize <= CacheSizes[^1]);

    /// <summary>The same function with as few additions of biases as the norms' gammas allow.</summary>
    public static DecoderLayer Prepare(DecoderLayer layer)
    {
        var prepared = layer with
        {
            CrossKey = layer.CrossKey with { Bias = null },
            CrossValue = layer.CrossValue with { Bias = null },
            CrossOutput = layer.CrossOutput with { Bias = BiasFold.OutputBias(layer.CrossOutput, layer.CrossValue, null) },
        };
        if (layer.CrossQuery.Bias is null || BiasFold.Move(layer.NormsBehind ? layer.Norm1 : layer.CrossNorm) is not var (norm, shift, constant))
            return prepared;
        prepared = prepared with { CrossQuery = BiasFold.Fold(layer.CrossQuery, norm.Gamma, shift, constant) };
        return layer.NormsBehind
            ? prepared with { Norm1 = norm, CrossOutput = prepared.CrossOutput with { Bias = BiasFold.Less(prepared.CrossOutput.Bias, shift) } }
            : prepared with { CrossNorm = norm };
    }

    /// <summary>Greedy search: a row an image, [images, 1, D] throughout.</summary>
    /// <returns>The normed state of the last block, [images, 1, D].</returns>
    public string Greedy()
    {
        var ids = Builder.Input(CaptionerNames.Ids, ElementType.Int64, "images", 1);
        var (normed, residual) = Sum(Embed(ids), Place(), FirstNorm, null, NormsBehind);
        return Blocks(normed, residual, "images", null);
    }

    /// <summary>Beam search: [images, beams, D], so that an image's beams share what is read of it.</summary>
    /// <param name="indirection">See <see cref="CaptionerNames.Indirection"/>.</param>
    /// <returns>The normed state of the last block, [images, beams, D].</returns>
    public string Beams(string indirection)
    {
        var ids = Builder.Input(CaptionerNames.Ids, ElementType.Int64, "images", "beams");
        var states = Builder.Node("Add", [Embed(ids), Place()]);
        _images = Builder.Node("Concat", [Builder.Node("Shape", [ids]), graph.Integers(-1)], ("axis", 0));
        var normed = graph.Norm(states, FirstNorm);
        return Blocks(normed, NormsBehind ? normed : states, "rows", indirection);
    }

    private string Embed(string ids) => Builder.Node("Gather", [graph.Weight(decoder.TokenEmbedding), ids]);

    private string Place() =>
        Builder.Node("Gather", [graph.Weight(decoder.Positions), Builder.Input(CaptionerNames.Position, ElementType.Int64, 1, 1)]);

    private string Blocks(string normed, string residual, string rows, string? indirection)
    {
        var length = cache == CacheKind.Shared ? Builder.Input(CaptionerNames.PastLength, ElementType.Int32, 1) : "";
        var width = indirection is null || cache == CacheKind.Growing ? "" : Builder.Input(CaptionerNames.BeamWidth, ElementType.Int32, 1);
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            var (afterSelf, afterCross, afterAll) = Norms(i);
            var attended = cache == CacheKind.Shared ? SharedCache(i, normed, rows, length, width, indirection) : GrowingCache(i, normed, rows, indirection is not null);
            var output = HeadPacking.PadInputs(layer.Output, layer.Heads, layer.HeadSize, cache == CacheKind.Shared ? CacheSize(layer.HeadSize) : layer.HeadSize);
            (normed, residual) = Sum(graph.MatMul(attended, output.Weight), residual, afterSelf, output.Bias, NormsBehind);
            (normed, residual) = Sum(LookAtImage(i, normed, indirection is not null), residual, afterCross, layer.CrossOutput.Bias, NormsBehind);
            var added = graph.MatMul(graph.Activate(normed, layer.Up, decoder.Activation), layer.Down.Weight);
            (normed, residual) = Sum(added, residual, afterAll, layer.Down.Bias, NormsBehind || i == _layers.Length - 1);
        }

        return normed;
    }

    private (LayerNorm AfterSelf, LayerNorm AfterCross, LayerNorm AfterAll) Norms(int index)
    {
        var layer = _layers[index];
        if (NormsBehind)
            return (layer.Norm1, layer.CrossNorm, layer.Norm2);
        return (layer.CrossNorm, layer.Norm2, index < _layers.Length - 1 ? _layers[index + 1].Norm1 : decoder.FinalNorm!);
    }

    // The sum and its norm; the normed sum in both places where nothing comes after that needs the sum itself.
    private (string Normed, string Residual) Sum(string added, string residual, LayerNorm norm, float[]? bias, bool normAlone)
    {
        if (!normAlone)
            return graph.SkipNorm(added, residual, norm, bias);
        var states = graph.LastNorm(added, residual, norm, bias);
        return (states, states);
    }

    private static int CacheSize(int headSize) => CacheSizes.First(size => size >= headSize);

    // What cross attention adds, without the output's bias.
    private string LookAtImage(int index, string normed, bool beams)
    {
        var layer = _layers[index];
        if (_latent)
        {
            _states = _states.Length > 0 ? _states : Builder.Input(CaptionerNames.States, graph.Type, "images", "positions", layer.CrossKey.Inputs);
            return LatentCross.Attend(graph, normed, _states, layer, beams ? _images : null, int.IsOddInteger(index));
        }

        string Cross(string name) => Builder.Input(name, graph.Type, "images", "positions", layer.CrossHeads * layer.HeadSize);
        var crossed = graph.Attention(
            graph.Linear(normed, layer.CrossQuery), Cross(CaptionerNames.CrossKey(index)), Cross(CaptionerNames.CrossValue(index)), layer.CrossHeads);
        return graph.MatMul(crossed, layer.CrossOutput.Weight);
    }

    // Keys and values are written into the cache where it lies.
    private string SharedCache(int index, string normed, string rows, string length, string width, string? indirection)
    {
        var layer = _layers[index];
        var size = CacheSize(layer.HeadSize);
        var linear = Pack(layer, size);
        var packed = graph.MatMul(normed, linear.Weight);
        if (indirection is not null)
            packed = Builder.Node("Reshape", [packed, graph.Integers(-1, 1, linear.Outputs)]);
        Dim[] dims = [rows, layer.Heads, "length", size];
        var past = (
            Key: Builder.Input(CaptionerNames.PastKey(index), graph.Type, dims),
            Value: Builder.Input(CaptionerNames.PastValue(index), graph.Type, dims));
        var scale = (float)(1 / Math.Sqrt(layer.HeadSize));
        var outputs = indirection is null && FusedNodes.TakesGroupQuery(graph, layer.Heads, layer.Heads, size)
            ? FusedNodes.SelfAttentionStep(graph, [packed, past.Key, past.Value, CaptionerNames.Position, PackedBias(linear)], layer.Heads, size, scale)
            : Builder.Nodes(
                "DecoderMaskedMultiHeadAttention", GraphBuilder.MicrosoftDomain,
                [packed, "", "", "", "", past.Key, past.Value, length, width, indirection ?? "", PackedBias(linear)], [true, true, true],
                ("num_heads", layer.Heads), ("past_present_share_buffer", 1), ("scale", scale));
        Builder.Output(outputs[1], CaptionerNames.PresentKey(index), graph.Type, dims);
        Builder.Output(outputs[2], CaptionerNames.PresentValue(index), graph.Type, dims);
        return indirection is null ? outputs[0] : Builder.Node("Reshape", [outputs[0], _images]);
    }

    private string GrowingCache(int index, string normed, string rows, bool beams)
    {
        var layer = _layers[index];
        if (beams)
            normed = Builder.Node("Reshape", [normed, graph.Integers(-1, 1, layer.Query.Inputs)]);
        Dim[] before = [rows, layer.Heads, "past", layer.HeadSize];
        Dim[] after = [rows, layer.Heads, "present", layer.HeadSize];
        var key = Builder.Input(CaptionerNames.PastKey(index), graph.Type, before);
        var value = Builder.Input(CaptionerNames.PastValue(index), graph.Type, before);
        var outputs = Builder.Nodes(
            "MultiHeadAttention", GraphBuilder.MicrosoftDomain,
            [graph.MatMul(normed, layer.Query.Weight), graph.MatMul(normed, layer.Key.Weight), graph.MatMul(normed, layer.Value.Weight), PackedBias(Pack(layer, layer.HeadSize)), "", "", key, value],
            [true, true, true], ("num_heads", layer.Heads));
        Builder.Output(outputs[1], CaptionerNames.PresentKey(index), graph.Type, after);
        Builder.Output(outputs[2], CaptionerNames.PresentValue(index), graph.Type, after);
        return beams ? Builder.Node("Reshape", [outputs[0], _images]) : outputs[0];
    }

    private static Linear Pack(DecoderLayer layer, int size) => HeadPacking.Pack(layer.Heads, layer.HeadSize, size, layer.Query, layer.Key, layer.Value);

    private string PackedBias(Linear packed) => graph.Vector(packed.Bias ?? new float[packed.Outputs]);
}

/// <summary>How self attention keeps the keys and values of earlier tokens.</summary>
internal enum CacheKind
{
    /// <summary>In one block of the final length, written where it lies: fast, and CUDA's alone.</summary>
    Shared,

    /// <summary>Copied and lengthened by each step: on any provider, for heads of any size.</summary>
    Growing,
}
