namespace VlWorker.ModelKit.Parameters;

/// <summary>A matrix of 32-bit floats, row-major. Nobody changes its values once it is made, so records can share it.</summary>
internal sealed class Matrix
{
    /// <summary>Wraps the values, which become the matrix's.</summary>
    /// <exception cref="ArgumentException">There are not rows * columns values.</exception>
    public Matrix(int rows, int columns, float[] values)
    {
        if (rows < 0 || columns < 0 || values.LongLength != (long)rows * columns)
            throw new ArgumentException($"{values.LongLength} values do not make a matrix of {rows} x {columns}", nameof(values));
        (Rows, Columns, Values) = (rows, columns, values);
    }

    /// <summary>Number of rows; for the weight of a <see cref="Linear"/> the width of its input.</summary>
    public int Rows { get; }

    /// <summary>Number of columns; for the weight of a <see cref="Linear"/> the width of its output.</summary>
    public int Columns { get; }

    /// <summary>Rows * Columns values, row after row.</summary>
    public float[] Values { get; }

    /// <summary>A row.</summary>
    public ReadOnlySpan<float> Row(int row) => Values.AsSpan(row * Columns, Columns);

    /// <summary>This matrix; null where it holds the same values as one that is there already, which can take its place.</summary>
    public Matrix? OtherThan(Matrix known) => Values.AsSpan().SequenceEqual(known.Values) ? null : this;

    /// <summary>A new matrix with rows and columns exchanged.</summary>
    public Matrix Transpose()
    {
        const int Tile = 32; // both sides of a tile stay in the first-level cache
        var result = new float[Values.Length];
        for (var top = 0; top < Rows; top += Tile)
        {
            for (var left = 0; left < Columns; left += Tile)
            {
                for (var row = top; row < Math.Min(top + Tile, Rows); row++)
                {
                    for (var column = left; column < Math.Min(left + Tile, Columns); column++)
                        result[((long)column * Rows) + row] = Values[((long)row * Columns) + column];
                }
            }
        }

        return new Matrix(Columns, Rows, result);
    }

    /// <summary>A new matrix of some neighbouring columns.</summary>
    public Matrix ColumnRange(int first, int count)
    {
        var result = new float[Rows * count];
        for (var row = 0; row < Rows; row++)
            Row(row).Slice(first, count).CopyTo(result.AsSpan(row * count));
        return new Matrix(Rows, count, result);
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{Rows}, {Columns}]";
}
