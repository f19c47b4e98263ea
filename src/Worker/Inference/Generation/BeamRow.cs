using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Generation;

/// <summary>
/// Beam search as transformers 4.57 does it for a batch of one: log-softmax, processors, the best 2 x beams continuations (more where there are
/// several end tokens), of which only the first <c>beams</c> may finish; reaching the maximum length finishes, too.
/// </summary>
internal sealed class BeamRow : SearchRow
{
    // What transformers takes for "never": keeps a hypothesis below every real one, and still a number.
    private const float Never = -1e9f;

    private readonly GenerationTokens _tokens;
    private readonly ScoreProcessors _processors;
    private readonly TopCandidates _candidates;
    private readonly BeamSequences _finished;
    private readonly float[] _scores;
    private readonly StopStrings? _stop;
    private BeamSequences _running;
    private BeamSequences _spare;
    private int _length;

    public BeamRow(int index, RowRequest request, GenerationTokens tokens, ScoreProcessors processors)
        : base(index, request)
    {
        _tokens = tokens;
        _processors = processors;
        _stop = request.Stop;
        _candidates = new TopCandidates(CandidatesOf(Width, tokens));
        _running = new BeamSequences(Width, MaxLength);
        _spare = new BeamSequences(Width, MaxLength);
        _finished = new BeamSequences(Width, MaxLength);
        // Only the first beam counts at first: the others are the same.
        _scores = new float[Width];
        _scores.AsSpan(1).Fill(Never);
        _length = Prompt.Count;
        for (var beam = 0; beam < Width; beam++)
            _running.Set(beam, Prompt);
    }

    /// <summary>Continuations that a step looks at: enough to go on with all beams even if each of them could end in every way.</summary>
    public static int CandidatesOf(int beams, GenerationTokens tokens) => Math.Max(2, 1 + tokens.End.Count) * beams;

    /// <summary>Takes the best continuations that the device has found, where the choice is not the model's settings'; see <see cref="Accept"/>.</summary>
    /// <param name="best">As many as <see cref="CandidatesOf"/> says, best first; overwritten.</param>
    /// <param name="next">Receives a token for each beam.</param>
    /// <param name="parents">Receives, for each beam, which beam that token continues.</param>
    public bool AcceptChoice(Span<Candidate> best, Span<int> next, Span<int> parents)
    {
        if (_processors.Forced(_length, Prompt.Count, Parameters) is not { } forced)
            return Accept(best, next, parents);
        // The beams are sorted, best first.
        for (var i = 0; i < best.Length; i++)
            best[i] = new Candidate(i % Width, forced, i < Width ? _scores[i] : float.NegativeInfinity);
        return Accept(best, next, parents);
    }

    /// <summary>Takes the best continuations.</summary>
    /// <param name="best">As many as <see cref="CandidatesOf"/> says, best first.</param>
    /// <param name="next">Receives a token for each beam.</param>
    /// <param name="parents">Receives, for each beam, which beam that token continues.</param>
    /// <returns>False once the search is over.</returns>
    /// <exception cref="Failures.TransientException">The scores are no numbers.</exception>
    private bool Accept(ReadOnlySpan<Candidate> best, Span<int> next, Span<int> parents)
    {
        if (!float.IsFinite(best[0].Score))
            throw NotANumber();
        _length++;
        Span<bool> ends = stackalloc bool[best.Length];
        var open = 0;
        for (var i = 0; i < best.Length; i++)
        {
            ends[i] = _length == MaxLength || _tokens.Ends(best[i].Token) || Stops(best[i]);
            open += ends[i] ? 0 : 1;
        }

        Finish(best[..Width], ends);
        Continue(best, ends, next, parents);
        return open > 0 && !Done();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FoundSequence> Result()
    {
        var found = new FoundSequence[Math.Min(Parameters.NumReturnSequences, _finished.Count)];
        for (var i = 0; i < found.Length; i++)
            found[i] = new FoundSequence(_finished.Sequence(i).ToArray(), _finished.Score(i));
        return found;
    }

    /// <inheritdoc/>
    protected override bool Choose(Span<float> scores, Span<int> next, Span<int> parents)
    {
        FindCandidates(scores);
        return Accept(_candidates.Best, next, parents);
    }

    private void FindCandidates(Span<float> scores)
    {
        _candidates.Clear();
        // At first all beams are the same, whether or not they have decoder rows of their own.
        var first = _length == Prompt.Count;
        var vocabulary = scores.Length / DecoderRows;
        for (var beam = 0; beam < (first ? 1 : Width); beam++)
        {
            var row = scores.Slice(beam * vocabulary, vocabulary);
            if (!VectorMath.LogSoftmax(row))
                throw NotANumber();
            _processors.Apply(row, _running.Sequence(beam), Prompt.Count, Parameters);
            _candidates.Offer(beam, row, _scores[beam]);
        }

        // The other beams only matter where the first alone has too few continuations.
        for (var beam = 1; first && beam < Width && _candidates.Count < _candidates.Capacity; beam++)
            _candidates.Offer(beam, scores[..vocabulary], _scores[beam]);
        if (_candidates.Count < Width)
            throw NotANumber();
    }

    private bool Stops(Candidate candidate) =>
        _stop?.In([.. _running.Sequence(candidate.Beam)[Prompt.Count..], candidate.Token]) is true;

    // The finished list stays sorted, best first; of equal scores the older one stays ahead.
    private void Finish(ReadOnlySpan<Candidate> best, ReadOnlySpan<bool> ends)
    {
        var divisor = (float)Math.Pow(_length - Prompt.Count, Parameters.LengthPenalty);
        for (var i = 0; i < best.Length; i++)
        {
            if (ends[i] && float.IsFinite(best[i].Score))
                _finished.Insert(_running.Sequence(best[i].Beam), best[i].Token, best[i].Score / divisor);
        }
    }

    private void Continue(ReadOnlySpan<Candidate> best, ReadOnlySpan<bool> ends, Span<int> next, Span<int> parents)
    {
        var beam = 0;
        // Those that go on come first, then, where they are too few, finished ones that can't win any more.
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0; i < best.Length && beam < Width; i++)
            {
                if (ends[i] != (pass == 1))
                    continue;
                _spare.Set(beam, _running.Sequence(best[i].Beam), best[i].Token);
                _scores[beam] = best[i].Score + (ends[i] ? Never : 0);
                next[beam] = best[i].Token;
                parents[beam++] = best[i].Beam;
            }
        }

        (_running, _spare) = (_spare, _running);
    }

    private bool Done()
    {
        if (_finished.Count < Width)
            return false;
        if (Parameters.EarlyStopping == EarlyStopping.Always)
            return true;
        // The best length that the best running beam may hope for: the longest where length is rewarded, else the present one.
        var hoped = Parameters.EarlyStopping == EarlyStopping.Never && Parameters.LengthPenalty > 0 ? MaxLength : _length;
        var hope = _scores[0] / (float)Math.Pow(hoped - Prompt.Count, Parameters.LengthPenalty);
        return !(hope > _finished.Score(Width - 1));
    }
}
