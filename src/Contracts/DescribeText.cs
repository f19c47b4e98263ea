namespace VlWorker.Contracts;

/// <summary>A request for a text's embedding, in the space of the image embeddings. Routing key <see cref="Topology.TextRoutingKey"/>.</summary>
public sealed record DescribeText
{
    /// <summary>The caller's id, echoed in the answer; 1 to 255 bytes of UTF-8. Falls back to the AMQP message-id.</summary>
    public string? Id { get; init; }

    /// <summary>The text; at most 65,536 characters, cut to the model's context length.</summary>
    public string? Text { get; init; }

    /// <summary>Model alias; absent takes the worker's default embedding model.</summary>
    public string? Model { get; init; }

    /// <inheritdoc cref="DescribeImage.EmbeddingEncoding"/>
    public string? EmbeddingEncoding { get; init; }

    /// <inheritdoc cref="DescribeImage.JobId"/>
    public string? JobId { get; init; }

    /// <inheritdoc cref="DescribeImage.Deadline"/>
    public DateTimeOffset? Deadline { get; init; }

    /// <inheritdoc cref="DescribeImage.Context"/>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <inheritdoc cref="DescribeImage.Validate"/>
    public IReadOnlyList<string> Validate() => RequestRules.Check(this);
}
