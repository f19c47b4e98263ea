using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Parameters;

/// <summary>Which position a patch has: that of the interval of the image's side, in as many as there are positions, into which it falls.</summary>
internal static class Idefics3Positions
{
    private static readonly Version FirstShort = new(4, 55);
    private static readonly Version FirstWhole = new(5, 0);

    /// <summary>
    /// What a checkpoint's patches' places, from 0 to below 1, are multiplied by. Transformers 4.55 to 4.57 do so by 1 - 1e-6, and in 32-bit floats
    /// each patch but the first then falls into the interval before its own; in 16 bits the factor is 1, and other versions have none. A model is taken
    /// to have learned what the version did that wrote its config.json.
    /// </summary>
    public static float FactorOf(JsonFile config)
    {
        var type = (config.Find("dtype") ?? config.Find("torch_dtype"))?.ToString();
        var written = config.Find("transformers_version")?.ToString().Split(".dev")[0];
        return type is null or "float32" && Version.TryParse(written, out var version) && version >= FirstShort && version < FirstWhole ? (float)(1 - 1e-6) : 1;
    }

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
