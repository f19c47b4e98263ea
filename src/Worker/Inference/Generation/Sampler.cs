using System.Buffers;
using System.Numerics.Tensors;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Draws tokens as transformers does: temperature, the likeliest <c>topK</c>, the likeliest that together have the probability <c>topP</c>,
/// softmax, one draw. The draw takes the row's own number of this step (<see cref="Philox"/>): the token, in the order of the ids, at which
/// the sum of the probabilities exceeds it.
/// </summary>
/// <param name="parameters">How to draw.</param>
internal sealed class Sampler(SamplingParameters parameters)
{
    private readonly TopCandidates? _best = parameters.TopK > 0 ? new TopCandidates(parameters.TopK) : null;

    /// <summary>Draws a token.</summary>
    /// <param name="scores">Logits, after all processors; overwritten. At least one is finite, none is NaN.</param>
    /// <param name="step">Tokens drawn before.</param>
    /// <param name="score">The token's score, as it came.</param>
    public int Draw(Span<float> scores, int step, out float score)
    {
        var token = Draw(scores, step);
        score = scores[token] * (float)parameters.Temperature;
        return token;
    }

    private int Draw(Span<float> scores, int step)
    {
        TensorPrimitives.Divide(scores, (float)parameters.Temperature, scores);
        if (_best is not null && _best.Capacity < scores.Length)
            KeepBest(scores);
        if (parameters.TopP < 1)
            KeepNucleus(scores);
        return Draw(scores, Philox.Uniform((ulong)parameters.Seed, (uint)step));
    }

    // Equals of the last one stay, too.
    private void KeepBest(Span<float> scores)
    {
        _best!.Clear();
        _best.Offer(0, scores, 0);
        var least = _best.Best[^1].Score;
        foreach (ref var score in scores)
            score = score < least ? float.NegativeInfinity : score;
    }

    // A token stays if those above it have less than topP; the likeliest one always does. Of equals the one with the lower id is above.
    private void KeepNucleus(Span<float> scores)
    {
        var (ids, keys) = (ArrayPool<int>.Shared.Rent(scores.Length), ArrayPool<float>.Shared.Rent(scores.Length));
        var count = 0;
        for (var id = 0; id < scores.Length; id++)
        {
            if (!float.IsNegativeInfinity(scores[id]))
                (ids[count], keys[count++]) = (id, -scores[id]);
        }

        // Not a stable sort: equal keys are put in order of their ids below.
        keys.AsSpan(0, count).Sort(ids.AsSpan(0, count));
        for (int first = 0, next; first < count; first = next)
        {
            for (next = first + 1; next < count && keys[next].Equals(keys[first]);)
                next++;
            ids.AsSpan(first, next - first).Sort();
        }

        var (total, above, kept) = (0.0, 0.0, 0);
        for (var i = 0; i < count; i++)
            total += Math.Exp(keys[0] - keys[i]);
        while (kept < count && (kept == 0 || above < parameters.TopP * total))
            above += Math.Exp(keys[0] - keys[kept++]);
        foreach (var id in ids.AsSpan(kept, count - kept))
            scores[id] = float.NegativeInfinity;
        ArrayPool<int>.Shared.Return(ids);
        ArrayPool<float>.Shared.Return(keys);
    }

    private static int Draw(ReadOnlySpan<float> scores, double number)
    {
        var maximum = TensorPrimitives.Max(scores);
        var total = 0.0;
        foreach (var score in scores)
            total += Weight(score, maximum);
        var (rest, last) = (number * total, 0);
        for (var id = 0; id < scores.Length; id++)
        {
            var weight = Weight(scores[id], maximum);
            if (weight == 0)
                continue;
            last = id;
            rest -= weight;
            if (rest < 0)
                break;
        }

        return last;
    }

    // Nearly all scores are -infinity after topK or topP, and an exponential is dear.
    private static double Weight(float score, float maximum) => float.IsNegativeInfinity(score) ? 0 : Math.Exp(score - maximum);
}
