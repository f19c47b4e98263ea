using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A constant of a graph, its values read when they are needed.</summary>
/// <param name="Dims">Its shape.</param>
/// <param name="Read">Reads the values, row-major; nobody changes them.</param>
internal sealed record Folded(long[] Dims, Func<float[]> Read)
{
    /// <summary>Number of values.</summary>
    public long Count => Dims.Aggregate(1L, static (product, size) => product * size);

    /// <summary>Size of the last axis; 1 for a scalar.</summary>
    public int Columns => Dims.Length == 0 ? 1 : (int)Dims[^1];

    /// <summary>Whether it has one value.</summary>
    public bool IsScalar => Count == 1;

    /// <summary>Whether it is a matrix, but for leading ones.</summary>
    public bool IsMatrix => Dims.Length >= 2 && Count == Dims[^1] * Dims[^2];

    /// <summary>Whether it is a vector, but for ones.</summary>
    public bool IsVector => Dims.Count(static size => size != 1) <= 1;

    /// <summary>As a matrix of all axes but the last by the last.</summary>
    public Matrix ToMatrix() => new((int)(Count / Columns), Columns, Read());

    /// <summary>The same values under another shape.</summary>
    public Folded WithDims(params long[] dims) => new(dims, Read);
}
