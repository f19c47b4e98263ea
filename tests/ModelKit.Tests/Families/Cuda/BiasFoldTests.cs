using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Cuda;

public sealed class BiasFoldTests
{
    private const int Width = 24;
    private readonly Random _random = new(11);

    [Fact]
    public void A_folded_layer_gives_the_same_and_has_no_bias()
    {
        var (norm, linear) = (Norm(0.5f), Layer(9));
        var moved = BiasFold.Move(norm);
        Assert.NotNull(moved);
        var (shifted, shift, constant) = moved.Value;
        var folded = BiasFold.Fold(linear, norm.Gamma, shift, constant);
        Assert.Null(folded.Bias);
        var x = Values(Width, 3);
        var expected = Apply(linear, Normalise(norm, x));
        var found = Apply(folded, Normalise(shifted, x));
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 1e-4);
    }

    [Fact]
    public void The_bias_of_values_moves_into_the_output_projection()
    {
        var (norm, value, output) = (Norm(0.5f), Layer(Width), Layer(Width));
        var (shifted, shift, _) = BiasFold.Move(norm)!.Value;
        var bias = BiasFold.OutputBias(output, value, shift);
        var x = Values(Width, 2);
        // Attention weights sum to one: a single position stands for any of their sums.
        var expected = Apply(output, Apply(value, Normalise(norm, x)));
        var found = Apply(output with { Bias = bias }, Apply(value with { Bias = null }, Normalise(shifted, x)));
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 1e-4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1e-5f)]
    [InlineData(-1e-4f)]
    public void A_gamma_near_zero_forbids_folding(float gamma)
    {
        var norm = Norm(0.5f);
        norm.Gamma[3] = gamma;
        Assert.Null(BiasFold.Move(norm));
    }

    [Fact]
    public void Without_a_bias_nothing_is_made_up()
    {
        Assert.Null(BiasFold.OutputBias(Layer(Width) with { Bias = null }, Layer(Width) with { Bias = null }, null));
        var layer = new EncoderLayer(
            Norm(0.5f), Layer(Width) with { Bias = null }, Layer(Width), Layer(Width), Layer(Width), Norm(0.5f), Layer(Width), Layer(Width), 1, Width);
        var prepared = EncoderBlocks.Prepare(layer, Activation.Gelu);
        Assert.Same(layer.Query, prepared.Query);
        Assert.Same(layer.Norm1, prepared.Norm1);
        Assert.Same(layer.Up, prepared.Up);
    }

    private static float[] Normalise(LayerNorm norm, float[] x)
    {
        var mean = x.Average();
        var deviation = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)));
        return [.. x.Select((value, i) => (float)(((value - mean) / deviation * norm.Gamma[i]) + norm.Beta[i]))];
    }

    private static float[] Apply(Linear linear, float[] x) =>
        [.. BiasFold.Apply([.. x.Select(value => (double)value)], linear.Weight).Select((sum, i) => (float)(sum + (linear.Bias?[i] ?? 0)))];

    private LayerNorm Norm(float least) => new([.. Values(Width, 1).Select(value => value < 0 ? value - least : value + least)], Values(Width, 0.5f), 0);

    private Linear Layer(int outputs) => new(new Matrix(Width, outputs, Values(Width * outputs, 1)), Values(outputs, 1));

    private float[] Values(int count, float range) => [.. Enumerable.Range(0, count).Select(_ => ((_random.NextSingle() * 2) - 1) * range)];
}
