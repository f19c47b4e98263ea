using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>
/// Moves the bias of a linear layer that follows a LayerNorm into its weight, so that no kernel has to add it.
/// </summary>
/// <remarks>
/// What a LayerNorm gives before gamma and beta sums to zero, so for h = x * gamma + beta the sum of h[i] / gamma[i] is a constant. Moving beta by
/// d = gamma * s / D, where s is +-sqrt(D), keeps that constant away from zero: call it c. Then h * W + b = h' * (W + (b - d * W) / (c * gamma)),
/// exactly. Other layers that read h' see it moved by d.
/// </remarks>
internal static class BiasFold
{
    // Root mean square of 1 + |beta / gamma|: how many times the rounding of h the constant carries. Near 1 for a trained norm; without bound as gammas near zero.
    private const double LargestCondition = 4;

    /// <summary>The norm with its beta moved, and by how much; null where a gamma is too near zero for the arithmetic to hold.</summary>
    public static (LayerNorm Norm, double[] Shift, double Constant)? Move(LayerNorm norm)
    {
        var width = norm.Gamma.Length;
        var sum = 0d;
        for (var i = 0; i < width; i++)
            sum += norm.Beta[i] / (double)norm.Gamma[i];
        if (!double.IsFinite(sum))
            return null;
        var step = Math.Sqrt(width) * (sum >= 0 ? 1 : -1);
        var shift = new double[width];
        var beta = new float[width];
        var condition = 0d;
        for (var i = 0; i < width; i++)
        {
            shift[i] = norm.Gamma[i] * step / width;
            beta[i] = (float)(norm.Beta[i] + shift[i]);
            var term = 1 + Math.Abs(beta[i] / (double)norm.Gamma[i]);
            condition += term * term / width;
        }

        return double.IsFinite(condition) && Math.Sqrt(condition) <= LargestCondition ? (norm with { Beta = beta }, shift, sum + step) : null;
    }

    /// <summary>The weight that has the bias in it.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="gamma">Of the norm in front.</param>
    /// <param name="shift">Of <see cref="Move"/>.</param>
    /// <param name="constant">Of <see cref="Move"/>.</param>
    public static Linear Fold(Linear linear, float[] gamma, double[] shift, double constant)
    {
        var moved = Apply(shift, linear.Weight);
        var values = new float[linear.Weight.Values.Length];
        for (var row = 0; row < linear.Inputs; row++)
        {
            for (var column = 0; column < linear.Outputs; column++)
            {
                var extra = ((linear.Bias?[column] ?? 0) - moved[column]) / constant / gamma[row];
                values[(row * linear.Outputs) + column] = (float)(linear.Weight.Values[(row * linear.Outputs) + column] + extra);
            }
        }

        return new Linear(new Matrix(linear.Inputs, linear.Outputs, values), null);
    }

    /// <summary>The bias of the next sum, where what is added to was moved by <see cref="Move"/>, too.</summary>
    public static float[] Less(float[]? bias, double[] shift) => [.. shift.Select((moved, i) => (float)((bias?[i] ?? 0) - moved))];

    /// <summary>vector * matrix, in float64.</summary>
    public static double[] Apply(ReadOnlySpan<double> vector, Matrix matrix)
    {
        var result = new double[matrix.Columns];
        for (var row = 0; row < matrix.Rows; row++)
        {
            var factor = vector[row];
            var values = matrix.Row(row);
            for (var column = 0; column < values.Length; column++)
                result[column] += factor * values[column];
        }

        return result;
    }

    /// <summary>
    /// The bias of an attention's output projection with the bias of the values in it: attention weights sum to one, so what is added to every value
    /// is added to the result. (The keys' bias cancels in the softmax.)
    /// </summary>
    /// <param name="output">The output projection.</param>
    /// <param name="value">The projection to values.</param>
    /// <param name="shift">By how much the values' input was moved; null where it was not.</param>
    public static float[]? OutputBias(Linear output, Linear value, double[]? shift)
    {
        if (value.Bias is null && shift is null)
            return output.Bias;
        var bias = new double[value.Outputs];
        for (var i = 0; i < bias.Length; i++)
            bias[i] = value.Bias?[i] ?? 0;
        if (shift is not null)
        {
            var moved = Apply(shift, value.Weight);
            for (var i = 0; i < bias.Length; i++)
                bias[i] -= moved[i];
        }

        var sum = Apply(bias, output.Weight);
        return [.. sum.Select((term, i) => (float)(term + (output.Bias?[i] ?? 0)))];
    }
}
