using FsCheck.Xunit;
using VlWorker.Inference;
using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class SamplerTests
{
    private const int Vocabulary = 40;

    [Property(MaxTest = 200)]
    public void Only_tokens_that_transformers_would_keep_are_drawn(int seed, byte topK, byte topP, byte temperature)
    {
        var random = new Random(seed);
        // Few different values, so that some are equal.
        var scores = Enumerable.Range(0, Vocabulary).Select(_ => random.Next(24) / 4f).ToArray();
        var parameters = new SamplingParameters(0.25 + (temperature / 64.0), topK % 50, (1 + (topP % 100)) / 100.0, seed & int.MaxValue);
        var kept = Kept(scores, parameters);

        var sampler = new Sampler(parameters);
        for (var step = 0; step < 50; step++)
        {
            var token = sampler.Draw([.. scores], step, out var score);
            Assert.Contains(token, kept);
            Assert.Equal(scores[token], score, 1e-4f);
        }
    }

    [Fact]
    public void Tokens_come_as_often_as_they_are_likely()
    {
        float[] scores = [1, 3, float.NegativeInfinity, 2, 0];
        var sampler = new Sampler(new SamplingParameters(0.8, 0, 1, 3));
        const int Draws = 20_000;
        var counts = new int[scores.Length];
        for (var step = 0; step < Draws; step++)
            counts[sampler.Draw([.. scores], step, out _)]++;

        var weights = scores.Select(score => Math.Exp(score / 0.8)).ToArray();
        for (var token = 0; token < counts.Length; token++)
        {
            var share = weights[token] / weights.Sum();
            Assert.Equal(share, counts[token] / (double)Draws, 4 * Math.Sqrt(share * (1 - share) / Draws));
        }
    }

    [Fact]
    public void The_same_seed_draws_the_same_and_another_one_does_not()
    {
        var scores = Enumerable.Range(0, Vocabulary).Select(i => i % 7 / 2f).ToArray();
        int[] Draw(int seed) => [.. Enumerable.Range(0, 30).Select(step => new Sampler(new SamplingParameters(1, 0, 1, seed)).Draw([.. scores], step, out _))];
        Assert.Equal(Draw(5), Draw(5));
        Assert.NotEqual(Draw(5), Draw(6));
    }

    [Fact]
    public void Among_one_token_there_is_no_choice()
    {
        float[] scores = [1, 5, 4.9f];
        Assert.Equal(1, new Sampler(new SamplingParameters(1, 1, 1, 0)).Draw([.. scores], 0, out _));
        Assert.Equal(1, new Sampler(new SamplingParameters(1, 0, 1e-6, 0)).Draw([.. scores], 0, out _));
    }

    // As transformers' logits warpers say it, word by word and slowly: ascending order, cumulated from below.
    private static HashSet<int> Kept(float[] scores, SamplingParameters parameters)
    {
        var scaled = scores.Select(score => score / (float)parameters.Temperature).ToArray();
        var kept = Enumerable.Range(0, scores.Length).ToHashSet();
        if (parameters.TopK > 0)
        {
            var least = scaled.OrderDescending().ElementAt(Math.Min(parameters.TopK, scaled.Length) - 1);
            kept.RemoveWhere(token => scaled[token] < least);
        }

        if (parameters.TopP < 1)
        {
            var ascending = kept.OrderBy(token => scaled[token]).ThenByDescending(token => token).ToList();
            var total = ascending.Sum(token => Math.Exp(scaled[token]));
            var below = 0.0;
            foreach (var token in ascending.SkipLast(1))
            {
                below += Math.Exp(scaled[token]) / total;
                if (below <= 1 - parameters.TopP - 1e-9)
                    kept.Remove(token);
            }
        }

        return kept;
    }
}
