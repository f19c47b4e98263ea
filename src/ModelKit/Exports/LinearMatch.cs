using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>A linear layer found in a graph; its weights are read when they are needed.</summary>
/// <param name="Input">The value it is applied to.</param>
/// <param name="Inputs">Width of the input.</param>
/// <param name="Outputs">Width of the output.</param>
/// <param name="Read">Reads the weights.</param>
internal sealed record LinearMatch(string Input, int Inputs, int Outputs, Func<Linear> Read)
{
    /// <summary>The layer with a bias added to what it has.</summary>
    public LinearMatch WithBias(Func<float[]> bias) => this with
    {
        Read = () =>
        {
            var (linear, added) = (Read(), bias());
            if (added.Length == 1 && linear.Outputs > 1)
                added = [.. Enumerable.Repeat(added[0], linear.Outputs)];
            return linear with { Bias = linear.Bias is null ? added : [.. linear.Bias.Zip(added, static (x, y) => x + y)] };
        },
    };

    /// <summary>A part of the output.</summary>
    public LinearMatch ColumnRange(int first, int count) => this with { Outputs = count, Read = () => Read().ColumnRange(first, count) };

    /// <summary>The layer with each of its outputs multiplied by a factor of its own.</summary>
    public LinearMatch Scale(Func<float[]> factors) => this with { Read = () => Read().Scale(factors()) };

    /// <summary>The layer with its output multiplied.</summary>
    public LinearMatch Scale(float factor) => factor == 1 ? this : this with { Read = () => Read().Scale(factor) };
}
