namespace VlWorker.Inference.Generation;

/// <summary>One sequence: the best token at each step, or one that is drawn.</summary>
internal sealed class SingleRow : SearchRow
{
    private readonly GenerationTokens _tokens;
    private readonly ScoreProcessors _processors;
    private readonly Sampler? _sampler;
    private readonly StopStrings? _stop;
    private readonly int[] _sequence;
    private int _length;
    private double _logProbability;

    public SingleRow(int index, RowRequest request, GenerationTokens tokens, ScoreProcessors processors)
        : base(index, request)
    {
        _tokens = tokens;
        _processors = processors;
        _sampler = request.Parameters.Sampling is { } sampling ? new Sampler(sampling) : null;
        _stop = request.Stop;
        _sequence = new int[MaxLength];
        foreach (var token in request.Prompt)
            _sequence[_length++] = token;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<int> Generated => _sequence.AsSpan(Prompt.Count, _length - Prompt.Count);

    /// <summary>Takes what the device has chosen, where the choice is not the model's settings'; see <see cref="Accept"/>.</summary>
    public bool AcceptChoice(int token, float logProbability) =>
        _processors.Forced(_length, Prompt.Count, Parameters) is { } forced ? Accept(forced, 0) : Accept(token, logProbability);

    /// <summary>Takes a token.</summary>
    /// <param name="token">The token.</param>
    /// <param name="logProbability">Its log-probability.</param>
    /// <returns>False once the search is over.</returns>
    /// <exception cref="Failures.TransientException">The log-probability is no number.</exception>
    private bool Accept(int token, float logProbability)
    {
        if (!float.IsFinite(logProbability))
            throw NotANumber();
        _logProbability += logProbability;
        _sequence[_length++] = token;
        return !_tokens.Ends(token) && _length < MaxLength && _stop?.In(_sequence.AsSpan(Prompt.Count, _length - Prompt.Count)) is not true;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FoundSequence> Result() =>
        [new FoundSequence(_sequence.AsSpan(0, _length).ToArray(), _logProbability / (_length - Prompt.Count))];

    /// <inheritdoc/>
    protected override bool Choose(Span<float> scores, Span<int> next, Span<int> parents)
    {
        _processors.Apply(scores, _sequence.AsSpan(0, _length), Prompt.Count, Parameters);
        var token = VectorMath.ArgMax(scores, out var maximum);
        if (!float.IsFinite(maximum))
            throw NotANumber();
        var logProbability = -VectorMath.LogSumExp(scores, maximum);
        if (_sampler is not null)
        {
            // What the model gives the token, however it is drawn.
            var best = scores[token];
            token = _sampler.Draw(scores, _length - Prompt.Count, out var drawn);
            logProbability += drawn - best;
        }

        next[0] = token;
        parents[0] = 0;
        return Accept(token, logProbability);
    }
}
