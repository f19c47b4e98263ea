using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Pruning;

/// <summary>Parts of matrices: heads are groups of neighbouring columns or rows, neurons groups of one.</summary>
internal static class Selection
{
    /// <summary>Keeps some groups of output columns.</summary>
    /// <param name="linear">[in, groups * size].</param>
    /// <param name="groups">The groups to keep, ascending.</param>
    /// <param name="size">Columns a group.</param>
    public static Linear Columns(Linear linear, IReadOnlyList<int> groups, int size)
    {
        var width = groups.Count * size;
        var values = new float[linear.Inputs * width];
        for (var row = 0; row < linear.Inputs; row++)
        {
            for (var i = 0; i < groups.Count; i++)
                linear.Weight.Row(row).Slice(groups[i] * size, size).CopyTo(values.AsSpan((row * width) + (i * size)));
        }

        float[]? bias = linear.Bias is null ? null : [.. groups.SelectMany(group => linear.Bias.AsSpan(group * size, size).ToArray())];
        return new Linear(new Matrix(linear.Inputs, width, values), bias);
    }

    /// <summary>Keeps some groups of input rows; the bias stays.</summary>
    /// <param name="linear">[groups * size, out].</param>
    /// <param name="groups">The groups to keep, ascending.</param>
    /// <param name="size">Rows a group.</param>
    public static Linear Rows(Linear linear, IReadOnlyList<int> groups, int size)
    {
        var block = size * linear.Outputs;
        var values = new float[groups.Count * block];
        for (var i = 0; i < groups.Count; i++)
            linear.Weight.Values.AsSpan(groups[i] * block, block).CopyTo(values.AsSpan(i * block));
        return new Linear(new Matrix(groups.Count * size, linear.Outputs, values), linear.Bias);
    }

    /// <summary>Adds the squares of each group of columns.</summary>
    public static void AddColumnSquares(Matrix matrix, int size, double[] sums)
    {
        for (var row = 0; row < matrix.Rows; row++)
        {
            var values = matrix.Row(row);
            for (var column = 0; column < values.Length; column++)
                sums[column / size] += (double)values[column] * values[column];
        }
    }

    /// <summary>Adds the squares of each group of rows.</summary>
    public static void AddRowSquares(Matrix matrix, int size, double[] sums)
    {
        for (var row = 0; row < matrix.Rows; row++)
        {
            foreach (var value in matrix.Row(row))
                sums[row / size] += (double)value * value;
        }
    }
}
