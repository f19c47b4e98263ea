namespace VlWorker.Contracts;

/// <summary>The answer to a <see cref="DescribeText"/>.</summary>
public sealed record TextDescribed
{
    /// <summary>The request's id.</summary>
    public required string Id { get; init; }

    /// <summary>The request's job, if any.</summary>
    public string? JobId { get; init; }

    /// <summary>The model that answered.</summary>
    public required ModelReference Model { get; init; }

    /// <inheritdoc cref="Output.ResultId"/>
    public required string ResultId { get; init; }

    /// <summary>Tokens the model saw, special tokens included.</summary>
    public required int Tokens { get; init; }

    /// <summary>Whether the text was longer than the model's context and was cut.</summary>
    public required bool Truncated { get; init; }

    /// <summary>The text's embedding.</summary>
    public required Embedding Embedding { get; init; }

    /// <summary>The request's context.</summary>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <summary>When the result was computed.</summary>
    public required DateTimeOffset ProducedAt { get; init; }
}
