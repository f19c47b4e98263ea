namespace VlWorker.Contracts;

/// <summary>The answer to a request that can't be served, however often it is tried. Texts are rejected in the same shape, without an image.</summary>
public sealed record ImageRejected
{
    /// <summary>The request's id; empty where the request had none and no AMQP message-id either.</summary>
    public required string Id { get; init; }

    /// <summary>The request's job, if any.</summary>
    public string? JobId { get; init; }

    /// <summary>The image as the request named it.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>Why, of the closed list <see cref="RejectionReason"/>.</summary>
    public required string Reason { get; init; }

    /// <summary>What exactly, for a person.</summary>
    public required string Detail { get; init; }

    /// <summary>The request's context.</summary>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <summary>When it was rejected.</summary>
    public required DateTimeOffset RejectedAt { get; init; }
}
