using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class VectorMathTests
{
    // Lengths around the width of a vector, and GPT-2's vocabulary.
    public static TheoryData<int> Lengths => [1, 3, 15, 16, 17, 33, 1536, 50257];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Log_softmax_is_that_of_double_precision(int length)
    {
        var scores = Scores(length);
        var expected = Reference(scores);
        Assert.True(VectorMath.LogSoftmax(scores));
        for (var i = 0; i < length; i++)
            Assert.Equal(expected[i], scores[i], 2e-5 * Math.Max(1, Math.Abs(expected[i])));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Arg_max_is_the_first_of_the_largest(int length)
    {
        var scores = Scores(length);
        scores[length / 2] = scores[length - 1] = 1000;
        Assert.Equal(length / 2, VectorMath.ArgMax(scores, out var maximum));
        Assert.Equal(1000, maximum);
    }

    [Fact]
    public void Banned_tokens_take_no_probability()
    {
        float[] scores = [.. Enumerable.Repeat(float.NegativeInfinity, 40), 1, 1];
        Assert.True(VectorMath.LogSoftmax(scores));
        Assert.Equal(Math.Log(0.5), scores[41], 1e-6);
        Assert.Equal(float.NegativeInfinity, scores[0]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Scores_that_are_no_numbers_are_told(float poison)
    {
        var scores = Scores(1000);
        scores[777] = poison;
        VectorMath.ArgMax(scores, out var maximum);
        Assert.False(float.IsFinite(maximum));
        Assert.False(VectorMath.LogSoftmax(scores));
    }

    private static float[] Scores(int length)
    {
        var random = new Random(length);
        return [.. Enumerable.Range(0, length).Select(_ => (random.NextSingle() * 40) - 20)];
    }

    private static double[] Reference(float[] scores)
    {
        var sum = scores.Sum(score => Math.Exp((double)score));
        return [.. scores.Select(score => score - Math.Log(sum))];
    }
}
