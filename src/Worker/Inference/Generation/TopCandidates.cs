using System.Numerics;
using System.Runtime.InteropServices;

namespace VlWorker.Inference.Generation;

/// <summary>The best few of many scores, best first; of equal ones the first offered. Reused from step to step.</summary>
/// <param name="capacity">How many to keep.</param>
internal sealed class TopCandidates(int capacity)
{
    private readonly Candidate[] _best = new Candidate[capacity];

    /// <summary>How many are kept at most.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Best first.</summary>
    public ReadOnlySpan<Candidate> Best => _best.AsSpan(0, Count);

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    /// <summary>Offers a whole vocabulary's scores of one beam, each with the beam's own score added.</summary>
    public void Offer(int beam, ReadOnlySpan<float> scores, float beamScore)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        var shift = new Vector<float>(beamScore);
        for (var i = 0; i < vectors.Length; i++)
        {
            // Nearly every vector ends here once the list is full of good ones.
            if (Count == Capacity && !Vector.GreaterThanAny(vectors[i] + shift, new Vector<float>(_best[^1].Score)))
                continue;
            var start = i * Vector<float>.Count;
            OfferEach(beam, start, scores.Slice(start, Vector<float>.Count), beamScore);
        }

        var rest = vectors.Length * Vector<float>.Count;
        OfferEach(beam, rest, scores[rest..], beamScore);
    }

    private void OfferEach(int beam, int firstToken, ReadOnlySpan<float> scores, float beamScore)
    {
        for (var i = 0; i < scores.Length; i++)
            Offer(new Candidate(beam, firstToken + i, scores[i] + beamScore));
    }

    private void Offer(Candidate candidate)
    {
        if (Count == Capacity && !(candidate.Score > _best[^1].Score))
            return;
        var place = Count == Capacity ? Capacity - 1 : Count++;
        for (; place > 0 && candidate.Score > _best[place - 1].Score; place--)
            _best[place] = _best[place - 1];
        _best[place] = candidate;
    }
}

/// <summary>A continuation of a beam.</summary>
/// <param name="Beam">The beam.</param>
/// <param name="Token">The token after it.</param>
/// <param name="Score">Sum of the log-probabilities.</param>
internal readonly record struct Candidate(int Beam, int Token, float Score);
