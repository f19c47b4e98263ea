using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3;

/// <summary>
/// Queries, keys and values for an attention operator that rotates them itself and wants its heads wider than they are. A head's values are turned in
/// pairs of one from each half: so each half of a query's or key's head is followed by zeros.
/// </summary>
internal static class RotaryPacking
{
    /// <summary>Width of a head that the operator rotates: a multiple of sixteen.</summary>
    public static int PaddedSize(LlamaLayer layer) => (layer.HeadSize + 15) / 16 * 16;

    /// <summary>Query, key and value as one layer.</summary>
    /// <param name="layer">The block.</param>
    /// <param name="padded">Width of a head in the result.</param>
    /// <returns>[in, (Heads + 2 * KeyHeads) * padded].</returns>
    public static Linear Pack(LlamaLayer layer, int padded)
    {
        var heads = layer.Heads + (2 * layer.KeyHeads);
        var columns = new int[heads * padded];
        Array.Fill(columns, -1);
        var (half, size) = (layer.HeadSize / 2, layer.HeadSize);
        for (var head = 0; head < heads; head++)
        {
            var turned = head < layer.Heads + layer.KeyHeads;
            for (var i = 0; i < size; i++)
                columns[(head * padded) + (turned && i >= half ? (padded / 2) + i - half : i)] = (head * size) + i;
        }

        return Spread([layer.Query, layer.Key, layer.Value], columns);
    }

    /// <summary>Cosines and sines of all positions, [positions, padded / 2] each; what was filled up is not turned.</summary>
    public static (Tensor Cos, Tensor Sin) Tables(LlamaParameters text, int padded)
    {
        var (pairs, half) = (text.Layers[0].HeadSize / 2, padded / 2);
        var (cos, sin) = (new float[text.MaxPositions * half], new float[text.MaxPositions * half]);
        Array.Fill(cos, 1);
        for (var pair = 0; pair < pairs; pair++)
        {
            // transformers keeps frequencies and angles in 32-bit floats.
            var frequency = (float)(1 / Math.Pow(text.RotaryBase, 2.0 * pair / text.Layers[0].HeadSize));
            for (var position = 0; position < text.MaxPositions; position++)
                (sin[(position * half) + pair], cos[(position * half) + pair]) = MathF.SinCos(position * frequency);
        }

        return (Tensor.FromFloats(cos, [text.MaxPositions, half]), Tensor.FromFloats(sin, [text.MaxPositions, half]));
    }

    // Output i is output columns[i] of the parts side by side, or zero.
    private static Linear Spread(Linear[] parts, int[] columns)
    {
        var (inputs, values) = (parts[0].Inputs, new float[parts[0].Inputs * columns.Length]);
        for (var row = 0; row < inputs; row++)
        {
            float[] source = [.. parts[0].Weight.Row(row), .. parts[1].Weight.Row(row), .. parts[2].Weight.Row(row)];
            for (var i = 0; i < columns.Length; i++)
                values[(row * columns.Length) + i] = columns[i] < 0 ? 0 : source[columns[i]];
        }

        float[]? bias = parts.All(static part => part.Bias is null) ? null : [.. parts.SelectMany(static part => part.Bias ?? new float[part.Outputs])];
        return new Linear(new Matrix(inputs, columns.Length, values), bias is null ? null : Array.ConvertAll(columns, i => i < 0 ? 0 : bias[i]));
    }
}
