namespace VlWorker.Contracts;

/// <summary>Parameters of text generation, named and meant as in transformers' <c>generate()</c>; absent ones take the model's default.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate at most, 1 to 1,024; the model's context length is a further bound.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Tokens to generate before the end token is allowed, 0 to 1,024.</summary>
    public int? MinNewTokens { get; init; }

    /// <summary>Beams, 1 (greedy) to 16.</summary>
    public int? NumBeams { get; init; }

    /// <summary>Exponent of the length that a beam's score is divided by, -10 to 10.</summary>
    public double? LengthPenalty { get; init; }

    /// <summary>Stop when as many hypotheses as beams are finished, instead of when no better one can come.</summary>
    public bool? EarlyStopping { get; init; }

    /// <summary>Token n-grams of this size occur once only; 0 (off) to 16.</summary>
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>Factor against tokens already generated, 0.001 to 10; 1 is off.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>
    /// Whether tokens are drawn by their probability. Absent: yes if <see cref="Temperature"/>, <see cref="TopK"/>, <see cref="TopP"/> or
    /// <see cref="Seed"/> is given, else as the model's default says. Takes one beam.
    /// </summary>
    public bool? DoSample { get; init; }

    /// <summary>Divides the scores before drawing, 0.01 to 10: below 1 the likely tokens become likelier.</summary>
    public double? Temperature { get; init; }

    /// <summary>Draws among so many of the likeliest tokens only; 0 (all) to 1,000.</summary>
    public int? TopK { get; init; }

    /// <summary>Draws among the likeliest tokens that together have this probability, 0.001 to 1; 1 is off.</summary>
    public double? TopP { get; init; }

    /// <summary>Makes drawing repeatable, 0 to 2,147,483,647; absent is 0. Another seed gives another text, with another result id.</summary>
    public long? Seed { get; init; }

    /// <summary>The text ends before the first of these: at most 8 texts of 1 to 64 characters.</summary>
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>Captions to return, 1 to <see cref="NumBeams"/>; the others arrive as alternatives.</summary>
    public int? NumReturnSequences { get; init; }
}
