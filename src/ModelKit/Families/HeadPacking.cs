using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families;

/// <summary>Linear layers around an attention operator that wants its heads side by side, or wider than they are.</summary>
internal static class HeadPacking
{
    /// <summary>Several layers of the same input as one; each head's outputs are followed by zeros up to the padded size.</summary>
    /// <param name="heads">Heads of each layer.</param>
    /// <param name="size">Width of a head.</param>
    /// <param name="padded">Its width in the result.</param>
    /// <param name="parts">Layers [in, heads * size].</param>
    /// <returns>[in, parts * heads * padded].</returns>
    public static Linear Pack(int heads, int size, int padded, params ReadOnlySpan<Linear> parts)
    {
        var (inputs, columns) = (parts[0].Inputs, parts.Length * heads * padded);
        var (values, bias, anyBias) = (new float[inputs * columns], new float[columns], false);
        for (var i = 0; i < parts.Length * heads; i++)
        {
            var (part, from, to) = (parts[i / heads], i % heads * size, i * padded);
            for (var row = 0; row < inputs; row++)
                part.Weight.Row(row).Slice(from, size).CopyTo(values.AsSpan((row * columns) + to));
            part.Bias?.AsSpan(from, size).CopyTo(bias.AsSpan(to));
            anyBias |= part.Bias is not null;
        }

        return new Linear(new Matrix(inputs, columns, values), anyBias ? bias : null);
    }

    /// <summary>A layer that takes padded heads.</summary>
    /// <param name="layer">[heads * size, out].</param>
    /// <param name="heads">Heads.</param>
    /// <param name="size">Width of a head.</param>
    /// <param name="padded">Width of a head as it comes.</param>
    /// <returns>[heads * padded, out].</returns>
    public static Linear PadInputs(Linear layer, int heads, int size, int padded)
    {
        if (size == padded)
            return layer;
        var values = new float[heads * padded * layer.Outputs];
        for (var row = 0; row < heads * size; row++)
            layer.Weight.Row(row).CopyTo(values.AsSpan(((row / size * padded) + (row % size)) * layer.Outputs));
        return layer with { Weight = new Matrix(heads * padded, layer.Outputs, values) };
    }
}
