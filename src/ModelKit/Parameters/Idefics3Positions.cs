namespace VlWorker.ModelKit.Parameters;

/// <summary>Which position a patch has: that of the interval of the image's side, in as many as there are positions, into which it falls.</summary>
internal static class Idefics3Positions
{
    /// <summary>
    /// What transformers 4.57 multiplies the patches' places by, from 0 to below 1, so that each but the first falls into the interval before its own.
    /// Its models are run so; exports of older versions have no such factor.
    /// </summary>
    public const float ShortOfOne = (float)(1 - 1e-6);

    /// <summary>Positions of the patches of a square image that fills its frame.</summary>
    /// <param name="table">[side * side, D], as the model has them.</param>
    /// <param name="factor">What places are multiplied by.</param>
    /// <returns>[side * side, D].</returns>
    public static Matrix OfSquare(Matrix table, float factor)
    {
        var side = (int)Math.Sqrt(table.Rows);
        if (side * side != table.Rows)
            throw new InvalidDataException($"{table.Rows} positions make no square");
        var intervals = Intervals(side, factor);
        var values = new float[table.Rows * table.Columns];
        for (var patch = 0; patch < table.Rows; patch++)
            table.Row((intervals[patch / side] * side) + intervals[patch % side]).CopyTo(values.AsSpan(patch * table.Columns));
        return new Matrix(table.Rows, table.Columns, values);
    }

    // In 32-bit floats, as the places are compared there.
    private static int[] Intervals(int side, float factor)
    {
        var intervals = new int[side];
        for (var i = 0; i < side; i++)
        {
            var place = (float)i / side * factor;
            for (var bound = 1; bound < side && (float)(bound * (1.0 / side)) <= place; bound++)
                intervals[i] = bound;
        }

        return intervals;
    }
}
