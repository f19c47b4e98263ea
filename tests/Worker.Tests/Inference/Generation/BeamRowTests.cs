using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Generation;

/// <summary>Beam search over a made-up language model whose scores are known, so that the right answer is known without any engine.</summary>
public sealed class BeamRowTests
{
    private const int Vocabulary = 6;
    private const int End = 5;
    private static readonly GenerationTokens Tokens = new([0], [End], null, null);

    [Fact]
    public void With_as_many_beams_as_continuations_the_search_is_exhaustive()
    {
        // All sequences of up to three tokens fit into the beams, so the best of all of them must come out.
        var parameters = new GenerationParameters(4, 0, 40, 1, EarlyStopping.Never, 0, 1, 3);
        var found = Search(parameters);
        var best = AllSequences([0], 0, 4).OrderByDescending(sequence => sequence.Score).Take(3).ToList();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(best[i].Tokens, found[i].Tokens);
            Assert.Equal(best[i].Score, found[i].Score, 1e-5);
        }
    }

    [Fact]
    public void A_length_penalty_of_zero_gives_sums_and_of_one_gives_means()
    {
        var sums = Search(new GenerationParameters(5, 0, 4, 0, EarlyStopping.Heuristic, 0, 1, 1))[0];
        var means = Search(new GenerationParameters(5, 0, 4, 1, EarlyStopping.Heuristic, 0, 1, 1))[0];
        Assert.Equal(LogProbability(sums.Tokens), sums.Score, 1e-5);
        Assert.Equal(LogProbability(means.Tokens) / (means.Tokens.Length - 1), means.Score, 1e-5);
    }

    [Fact]
    public void Scores_that_are_no_numbers_fail_the_row()
    {
        var row = new BeamRow(0, new RowRequest(new GenerationParameters(5, 0, 2, 1, EarlyStopping.Heuristic, 0, 1, 1), Tokens.Prompt), Tokens, new ScoreProcessors(Tokens));
        Assert.Throws<TransientException>(() => row.Advance([1, 2, float.NaN, 1, 1, 1], new int[2], new int[2]));
    }

    private static IReadOnlyList<FoundSequence> Search(GenerationParameters parameters)
    {
        var row = new BeamRow(0, new RowRequest(parameters, Tokens.Prompt), Tokens, new ScoreProcessors(Tokens));
        var sequences = Enumerable.Repeat<int[]>([0], row.Width).ToList();
        var (next, parents) = (new int[row.Width], new int[row.Width]);
        // At first all beams are the same, and one speaks for all.
        for (var rows = 1; row.Advance([.. sequences.Take(rows).SelectMany(Logits)], next, parents); rows = row.Width)
            sequences = [.. next.Select((token, beam) => (int[])[.. sequences[parents[beam]], token])];
        return row.Result();
    }

    private static IEnumerable<(int[] Tokens, double Score)> AllSequences(int[] prefix, double sum, int maxLength)
    {
        if (prefix.Length == maxLength || (prefix.Length > 1 && prefix[^1] == End))
            return [(prefix, sum / (prefix.Length - 1))];
        var scores = LogProbabilities(prefix);
        return Enumerable.Range(0, Vocabulary).SelectMany(token => AllSequences([.. prefix, token], sum + scores[token], maxLength));
    }

    private static double LogProbability(int[] tokens) =>
        Enumerable.Range(1, tokens.Length - 1).Sum(i => LogProbabilities(tokens[..i])[tokens[i]]);

    private static double[] LogProbabilities(int[] prefix)
    {
        var logits = Logits(prefix);
        var sum = logits.Sum(logit => Math.Exp(logit));
        return [.. logits.Select(logit => logit - Math.Log(sum))];
    }

    // Depends on the whole prefix, as a real model's does.
    private static float[] Logits(int[] prefix)
    {
        var hash = prefix.Aggregate(17, (state, token) => unchecked((state * 31) + token + 1));
        var random = new Random(hash);
        return [.. Enumerable.Range(0, Vocabulary).Select(_ => random.NextSingle() * 4)];
    }
}
