using VlWorker.Inference;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class ScoreProcessorsTests
{
    private const float Banned = float.NegativeInfinity;
    private static readonly GenerationParameters Plain = new(10, 0, 1, 1, EarlyStopping.Heuristic, 0, 1, 1);

    [Fact]
    public void Without_parameters_nothing_changes() => Check(Plain, [0, 2, 2], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]);

    [Fact]
    public void Repetition_is_penalised_once_a_token_and_by_sign() =>
        Check(Plain with { RepetitionPenalty = 2 }, [0, 2, 2, 4], [1, 2, 3, 4, -5], [0.5f, 2, 1.5f, 4, -10]);

    [Fact]
    public void A_token_that_would_repeat_a_bigram_is_banned() =>
        Check(Plain with { NoRepeatNgramSize = 2 }, [0, 1, 3, 2, 1], [1, 2, 3, 4, 5], [1, 2, 3, Banned, 5]);

    [Fact]
    public void A_token_that_would_repeat_a_trigram_is_banned() =>
        Check(Plain with { NoRepeatNgramSize = 3 }, [1, 2, 4, 1, 2], [1, 2, 3, 4, 5], [1, 2, 3, 4, Banned]);

    [Fact]
    public void A_sequence_shorter_than_the_n_gram_bans_nothing() =>
        Check(Plain with { NoRepeatNgramSize = 3 }, [1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]);

    [Fact]
    public void With_unigrams_every_token_occurs_once() =>
        Check(Plain with { NoRepeatNgramSize = 1 }, [1, 2], [1, 2, 3, 4, 5], [1, Banned, Banned, 4, 5]);

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void No_end_token_is_allowed_below_the_minimum_length(int minimum, bool banned) =>
        Check(Plain with { MinLength = minimum }, [0, 1], [1, 2, 3, 4, 5], [1, 2, 3, banned ? Banned : 4, banned ? Banned : 5]);

    [Fact]
    public void Forced_tokens_come_first_and_last()
    {
        var tokens = new GenerationTokens([0], [4], 1, 3);
        Check(Plain, [0], [1, 2, 3, 4, 5], [Banned, 0, Banned, Banned, Banned], tokens);
        Check(Plain, [0, 1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5], tokens);
        Check(Plain with { MaxLength = 3 }, [0, 1], [1, 2, 3, 4, 5], [Banned, Banned, Banned, 0, Banned], tokens);
    }

    private static void Check(GenerationParameters parameters, int[] sequence, float[] scores, float[] expected, GenerationTokens? tokens = null)
    {
        new ScoreProcessors(tokens ?? new GenerationTokens([0], [3, 4], null, null)).Apply(scores, sequence, 1, parameters);
        Assert.Equal(expected, scores);
    }
}
