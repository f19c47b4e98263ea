namespace VlWorker.Inference.Generation;

/// <summary>A few token sequences and their scores, in two arrays.</summary>
/// <param name="capacity">Sequences.</param>
/// <param name="maxLength">Tokens of each at most.</param>
internal sealed class BeamSequences(int capacity, int maxLength)
{
    private readonly int[] _tokens = new int[capacity * maxLength];
    private readonly int[] _lengths = new int[capacity];
    private readonly float[] _scores = new float[capacity];

    /// <summary>How many were inserted and kept.</summary>
    public int Count { get; private set; }

    /// <summary>A sequence's tokens.</summary>
    public ReadOnlySpan<int> Sequence(int index) => _tokens.AsSpan(index * maxLength, _lengths[index]);

    /// <summary>A sequence's score.</summary>
    public float Score(int index) => _scores[index];

    /// <summary>Writes a sequence.</summary>
    public void Set(int index, IReadOnlyList<int> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
            _tokens[(index * maxLength) + i] = tokens[i];
        _lengths[index] = tokens.Count;
    }

    /// <summary>Writes another set's sequence and one token more.</summary>
    public void Set(int index, ReadOnlySpan<int> tokens, int last)
    {
        tokens.CopyTo(_tokens.AsSpan(index * maxLength));
        _tokens[(index * maxLength) + tokens.Length] = last;
        _lengths[index] = tokens.Length + 1;
    }

    /// <summary>Inserts a sequence by its score, best first, behind equal ones; drops the worst if there is no room.</summary>
    public void Insert(ReadOnlySpan<int> tokens, int last, float score)
    {
        if (Count == capacity && !(score > _scores[capacity - 1]))
            return;
        var place = Count == capacity ? capacity - 1 : Count++;
        for (; place > 0 && score > _scores[place - 1]; place--)
        {
            Set(place, Sequence(place - 1)[..^1], Sequence(place - 1)[^1]);
            _scores[place] = _scores[place - 1];
        }

        Set(place, tokens, last);
        _scores[place] = score;
    }
}
