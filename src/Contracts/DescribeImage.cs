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

    /// <summary>Further images for models whose prompt may be about several, at most 15; rejected for models that look at one.</summary>
    public IReadOnlyList<ImageReference>? MoreImages { get; init; }

    /// <summary>What to produce, of <see cref="Contracts.Tasks"/>; absent means <see cref="Contracts.Tasks.Default"/>: caption and embedding.</summary>
    public IReadOnlyList<string>? Tasks { get; init; }

    /// <summary>Model alias by task; a task without an entry takes the worker's default model for it.</summary>
    public IReadOnlyDictionary<string, string>? Models { get; init; }

    /// <summary>
    /// Text for the model, at most 8,192 characters: conditions a caption, is the question of an answer, says what to detect. Rejected for
    /// models that take none.
    /// </summary>
    public string? Prompt { get; init; }

    /// <summary>What to tell apart, for task <c>classify</c>: 1 to 1,024 texts of at most 512 characters, 32,768 in all, each once.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>What stands around each label when the model reads it: <c>a photo of a {}.</c>; absent, the labels stand alone.</summary>
    public string? LabelTemplate { get; init; }

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
