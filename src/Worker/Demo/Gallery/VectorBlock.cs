using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace VlWorker.Demo.Gallery;

/// <summary>
/// Embeddings as the page holds them: a byte a component. Row i is values[i * dimensions ..] * scales[i]; a missing row has scale 0.
/// For unit vectors the cosine of two rows is off by less than 0.01, far below what separates neighbours.
/// </summary>
internal sealed record VectorBlock(int Rows, int Dimensions, sbyte[] Values, float[] Scales)
{
    /// <summary>Quantises rows of equal length; null and foreign lengths become missing rows.</summary>
    public static VectorBlock From(IReadOnlyList<float[]?> rows)
    {
        var dimensions = rows.FirstOrDefault(row => row is not null)?.Length ?? 0;
        var values = new sbyte[rows.Count * dimensions];
        var scales = new float[rows.Count];
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i] is not { } row || row.Length != dimensions)
                continue;
            var largest = TensorPrimitives.MaxMagnitude<float>(row);
            if (!float.IsFinite(largest) || largest == 0)
                continue;
            scales[i] = Math.Abs(largest) / sbyte.MaxValue;
            for (var d = 0; d < dimensions; d++)
                values[(i * dimensions) + d] = (sbyte)MathF.Round(row[d] / scales[i]);
        }

        return new VectorBlock(rows.Count, dimensions, values, scales);
    }

    /// <summary>The cosine of a row of this block and one of another, as the page computes it.</summary>
    public float Cosine(int row, VectorBlock other, int otherRow)
    {
        var sum = 0;
        for (var d = 0; d < Dimensions; d++)
            sum += Values[(row * Dimensions) + d] * other.Values[(otherRow * Dimensions) + d];
        return sum * Scales[row] * other.Scales[otherRow];
    }

    /// <summary>The values, row by row, a signed byte each.</summary>
    public ReadOnlySpan<byte> ValueBytes() => MemoryMarshal.AsBytes(Values.AsSpan());

    /// <summary>The scales as little-endian float32.</summary>
    public ReadOnlySpan<byte> ScaleBytes()
    {
        var bytes = new byte[Scales.Length * sizeof(float)];
        for (var i = 0; i < Scales.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), Scales[i]);
        return bytes;
    }
}
