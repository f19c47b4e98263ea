namespace VlWorker.Bench.Joining;

/// <summary>Costs from measured points.</summary>
internal static class LeastSquares
{
    /// <summary>
    /// Factors, none of them negative, with which the terms come closest to the values; errors count relative to the value. A factor that would be
    /// negative is 0, and the others are found without it.
    /// </summary>
    /// <param name="points">For each value its terms, all of them positive or 0.</param>
    /// <param name="values">The values, all positive.</param>
    public static double[] Fit(IReadOnlyList<double[]> points, IReadOnlyList<double> values)
    {
        var used = Enumerable.Range(0, points[0].Length).ToList();
        while (true)
        {
            var found = Solve([.. points.Select((point, i) => used.Select(term => point[term] / values[i]).ToArray())]);
            if (found.Min() < 0)
            {
                used.RemoveAt(Array.IndexOf(found, found.Min()));
                continue;
            }

            var factors = new double[points[0].Length];
            for (var i = 0; i < used.Count; i++)
                factors[used[i]] = found[i];
            return factors;
        }
    }

    // Terms whose sum should be 1 everywhere: the normal equations, by Gauss and Jordan.
    private static double[] Solve(double[][] points)
    {
        var count = points[0].Length;
        var matrix = Enumerable.Range(0, count).Select(row => Enumerable.Range(0, count + 1)
            .Select(column => points.Sum(point => point[row] * (column < count ? point[column] : 1))).ToArray()).ToArray();
        for (var pivot = 0; pivot < count; pivot++)
        {
            var best = Enumerable.Range(pivot, count - pivot).MaxBy(row => Math.Abs(matrix[row][pivot]));
            (matrix[pivot], matrix[best]) = (matrix[best], matrix[pivot]);
            for (var row = 0; row < count; row++)
            {
                var factor = row == pivot ? 0 : matrix[row][pivot] / matrix[pivot][pivot];
                for (var column = pivot; column <= count; column++)
                    matrix[row][column] -= factor * matrix[pivot][column];
            }
        }

        return [.. matrix.Select((row, i) => row[count] / row[i])];
    }
}
