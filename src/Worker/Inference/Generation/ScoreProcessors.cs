using System.Buffers;

namespace VlWorker.Inference.Generation;

/// <summary>
/// What transformers does to the scores of the next token, in its order: repetition penalty, repeated n-grams, minimum length, forced tokens.
/// Works in place, on logits (greedy search) or log-probabilities (beams).
/// </summary>
/// <param name="tokens">The model's special tokens.</param>
internal sealed class ScoreProcessors(GenerationTokens tokens)
{
    /// <summary>Changes the scores of the token that follows <paramref name="sequence"/>.</summary>
    /// <param name="scores">One score a token of the vocabulary.</param>
    /// <param name="sequence">All tokens so far, the prompt included: it counts as repeated, too.</param>
    /// <param name="promptLength">Tokens of the prompt.</param>
    /// <param name="parameters">The row's parameters.</param>
    public void Apply(Span<float> scores, ReadOnlySpan<int> sequence, int promptLength, GenerationParameters parameters)
    {
        if (parameters.RepetitionPenalty is not 1.0)
            PenaliseRepetition(scores, sequence, (float)parameters.RepetitionPenalty);
        if (parameters.NoRepeatNgramSize > 0)
            BanRepeatedNgrams(scores, sequence, parameters.NoRepeatNgramSize);
        if (sequence.Length - promptLength < parameters.MinNewTokens)
        {
            foreach (var end in tokens.End)
                scores[end] = float.NegativeInfinity;
        }

        if (Forced(sequence.Length, promptLength, parameters) is { } token)
            Force(scores, token);
    }

    /// <summary>What always comes next, with the log-probability 0; null where the scores decide.</summary>
    /// <param name="length">Tokens so far, the prompt included.</param>
    /// <param name="promptLength">Tokens of the prompt.</param>
    /// <param name="parameters">The row's parameters.</param>
    public int? Forced(int length, int promptLength, GenerationParameters parameters)
    {
        if (tokens.ForcedLast is { } last && length - promptLength == parameters.MaxNewTokens - 1)
            return last;
        return length == 1 ? tokens.ForcedFirst : null;
    }

    private static void PenaliseRepetition(Span<float> scores, ReadOnlySpan<int> sequence, float penalty)
    {
        // A token that occurs twice is penalised once: all values are read before the first is written.
        var penalised = ArrayPool<float>.Shared.Rent(sequence.Length);
        for (var i = 0; i < sequence.Length; i++)
        {
            var score = scores[sequence[i]];
            penalised[i] = score < 0 ? score * penalty : score / penalty;
        }

        for (var i = 0; i < sequence.Length; i++)
            scores[sequence[i]] = penalised[i];
        ArrayPool<float>.Shared.Return(penalised);
    }

    private static void BanRepeatedNgrams(Span<float> scores, ReadOnlySpan<int> sequence, int size)
    {
        if (sequence.Length + 1 < size)
            return;
        var prefix = sequence[(sequence.Length + 1 - size)..];
        for (var i = 0; i + size <= sequence.Length; i++)
        {
            if (sequence.Slice(i, size - 1).SequenceEqual(prefix))
                scores[sequence[i + size - 1]] = float.NegativeInfinity;
        }
    }

    private static void Force(Span<float> scores, int token)
    {
        scores.Fill(float.NegativeInfinity);
        scores[token] = 0;
    }
}
