namespace VlWorker.Contracts;

/// <summary>A request to describe one image. Publish it to <see cref="Topology.RequestsExchange"/> with a lane as routing key.</summary>
/// <remarks>
/// Everything is nullable because a message can come from any language: <see cref="Validate"/> says what is missing or wrong.
/// Unknown JSON fields are ignored.
/// </remarks>
public sealed record DescribeImage
{
    /// <summary>The caller's id, echoed in the answer; 1 to 255 bytes of UTF-8. Falls back to the AMQP message-id.</summary>
    public string? Id { get; init; }

    /// <summary>Which object to read.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>What to produce, of <see cref="Contracts.Tasks"/>; absent means caption and embedding.</summary>
    public IReadOnlyList<string>? Tasks { get; init; }

    /// <summary>Model alias by task; a task without an entry takes the worker's default model for it.</summary>
    public IReadOnlyDictionary<string, string>? Models { get; init; }

    /// <summary>Text that conditions the caption, at most 8,192 characters; rejected for models that take none.</summary>
    public string? Prompt { get; init; }

    /// <summary>How text is generated; absent fields take the model's generation_config.json.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>How embeddings are written: one of <see cref="EmbeddingEncodings"/>; absent means a JSON array.</summary>
    public string? EmbeddingEncoding { get; init; }

    /// <summary>The job this image belongs to, at most 255 bytes of UTF-8; part of the results' routing key.</summary>
    public string? JobId { get; init; }

    /// <summary>After this moment the answer is worthless: the worker rejects the request as <see cref="RejectionReason.Expired"/>.
    /// Without an offset it is UTC.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>A small map that is echoed unread: at most 16 entries, 4,096 characters in all.</summary>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <summary>Everything that is wrong with this request by itself, each a sentence; empty when it is well-formed.</summary>
    public IReadOnlyList<string> Validate() => RequestRules.Check(this);
}
