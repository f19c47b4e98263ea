using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Families;

/// <summary>The families' forward passes in plain loops over 64-bit floats: what graphs are compared with. States are [positions][width].</summary>
internal static class ReferenceModel
{
    /// <summary>An image encoder's states: after its final norm for a ViT, the projected class token alone for CLIP.</summary>
    /// <param name="vision">The encoder.</param>
    /// <param name="pixels">Normalised, [channel, y, x].</param>
    public static double[][] Encode(VisionParameters vision, Func<int, int, int, double> pixels)
    {
        var (size, across) = (vision.PatchSize, vision.ImageWidth / vision.PatchSize);
        var states = new double[vision.Positions.Rows][];
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = [.. vision.Positions.Row(i).ToArray().Select(static value => (double)value)];
            double[] added = i == 0 ? [.. vision.ClassToken.Select(static value => (double)value)] : Apply(
                new Linear(vision.PatchProjection, vision.PatchBias),
                [.. Enumerable.Range(0, 3 * size * size).Select(k => pixels(
                    k / (size * size), ((i - 1) / across * size) + (k / size % size), ((i - 1) % across * size) + (k % size)))]);
            states[i] = Sum(states[i], added);
        }

        if (vision.PreNorm is { } norm)
            states = [.. states.Select(state => Norm(state, norm))];
        foreach (var layer in vision.Layers)
            states = Block(states, layer, vision.Activation, false);
        return vision.Projection is { } projection
            ? [Apply(new Linear(projection, null), Norm(states[0], vision.FinalNorm))]
            : [.. states.Select(state => Norm(state, vision.FinalNorm))];
    }

    /// <summary>A text's embedding.</summary>
    public static double[] Embed(TextParameters text, int[] ids)
    {
        var states = Embeddings(text.TokenEmbedding, text.Positions, ids);
        foreach (var layer in text.Layers)
            states = Block(states, layer, text.Activation, true);
        return Apply(new Linear(text.Projection, null), Norm(states[Array.IndexOf(ids, ids.Max())], text.FinalNorm));
    }

    /// <summary>The logits after each of some tokens.</summary>
    public static double[][] Decode(VisionEncoderDecoderParameters parameters, double[][] image, int[] ids)
    {
        var decoder = parameters.Decoder;
        if (parameters.EncoderToDecoder is { } between)
            image = [.. image.Select(state => Apply(between, state))];
        var states = Embeddings(decoder.TokenEmbedding, decoder.Positions, ids);
        foreach (var layer in decoder.Layers)
        {
            var normed = Normed(states, layer.Norm1);
            states = Add(states, Through(layer.Output, Attend(
                Through(layer.Query, normed), Through(layer.Key, normed), Through(layer.Value, normed), layer.Heads, layer.HeadSize, true)));
            states = Add(states, Through(layer.CrossOutput, Attend(
                Through(layer.CrossQuery, Normed(states, layer.CrossNorm)), Through(layer.CrossKey, image), Through(layer.CrossValue, image),
                layer.CrossHeads, layer.HeadSize, false)));
            states = FeedForward(states, layer.Norm2, layer.Up, layer.Down, decoder.Activation);
        }

        var head = new Linear((decoder.Head ?? decoder.TokenEmbedding).Transpose(), null);
        return [.. states.Select(state => Apply(head, Norm(state, decoder.FinalNorm)))];
    }

    private static double[][] Block(double[][] states, EncoderLayer layer, Activation activation, bool causal)
    {
        var normed = Normed(states, layer.Norm1);
        states = Add(states, Through(layer.Output, Attend(
            Through(layer.Query, normed), Through(layer.Key, normed), Through(layer.Value, normed), layer.Heads, layer.HeadSize, causal)));
        return FeedForward(states, layer.Norm2, layer.Up, layer.Down, activation);
    }

    public static double[][] FeedForward(double[][] states, LayerNorm norm, Linear up, Linear down, Activation activation) => Add(states, Through(
        down, [.. Through(up, Normed(states, norm)).Select(state => state.Select(value => Activate(value, activation)).ToArray())]));

    public static double[][] Attend(double[][] queries, double[][] keys, double[][] values, int heads, int size, bool causal) =>
    [
        .. queries.Select((query, place) => Enumerable.Range(0, heads).SelectMany(head =>
        {
            var seen = causal ? place + 1 : keys.Length;
            var weights = Enumerable.Range(0, seen).Select(k => Math.Exp(
                Enumerable.Range(head * size, size).Sum(i => query[i] * keys[k][i]) / Math.Sqrt(size))).ToArray();
            return Enumerable.Range(head * size, size).Select(i => Enumerable.Range(0, seen).Sum(k => weights[k] * values[k][i]) / weights.Sum());
        }).ToArray()),
    ];

    private static double Activate(double x, Activation activation) => activation switch
    {
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.QuickGelu => x / (1 + Math.Exp(-1.702 * x)),
        Activation.Relu => Math.Max(0, x),
        _ => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
    };

    // The Taylor series; the arguments here are small.
    private static double Erf(double x)
    {
        var (sum, term) = (x, x);
        for (var n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return Math.Abs(x) > 5 ? Math.Sign(x) : 2 / Math.Sqrt(Math.PI) * sum;
    }

    private static double[][] Embeddings(Matrix tokens, Matrix positions, int[] ids) =>
        [.. ids.Select((id, i) => Enumerable.Range(0, tokens.Columns).Select(k => (double)tokens.Row(id)[k] + positions.Row(i)[k]).ToArray())];

    public static double[] Apply(Linear layer, double[] input) => [.. Enumerable.Range(0, layer.Outputs).Select(column =>
        (layer.Bias?[column] ?? 0.0) + Enumerable.Range(0, layer.Inputs).Sum(row => input[row] * layer.Weight.Row(row)[column]))];

    public static double[] Norm(double[] x, LayerNorm norm)
    {
        var mean = x.Average();
        var deviation = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + norm.Epsilon);
        return [.. x.Select((value, i) => ((value - mean) / deviation * norm.Gamma[i]) + norm.Beta[i])];
    }

    public static double[][] Normed(double[][] states, LayerNorm norm) => [.. states.Select(state => Norm(state, norm))];

    public static double[][] Through(Linear layer, double[][] states) => [.. states.Select(state => Apply(layer, state))];

    public static double[][] Add(double[][] a, double[][] b) => [.. a.Zip(b, Sum)];

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, static (x, y) => x + y)];
}
