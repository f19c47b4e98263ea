namespace VlWorker.Contracts;

/// <summary>The answer to a <see cref="DescribeImage"/>: every task asked for, or no such message at all.</summary>
public sealed record ImageDescribed
{
    /// <summary>The request's id.</summary>
    public required string Id { get; init; }

    /// <summary>The request's job, if any.</summary>
    public string? JobId { get; init; }

    /// <summary>What was read.</summary>
    public required DescribedImage Image { get; init; }

    /// <summary>One entry a task, in the order of the request.</summary>
    public required IReadOnlyList<Output> Outputs { get; init; }

    /// <summary>Where the time went.</summary>
    public required Timings Timings { get; init; }

    /// <summary>The request's context.</summary>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <summary>When the result was computed.</summary>
    public required DateTimeOffset ProducedAt { get; init; }
}

/// <summary>An image as it was read from the store.</summary>
public sealed record DescribedImage
{
    /// <summary>The bucket.</summary>
    public required string Bucket { get; init; }

    /// <summary>The key.</summary>
    public required string Key { get; init; }

    /// <summary>The version that was read, where the store keeps versions.</summary>
    public string? VersionId { get; init; }

    /// <summary>The entity tag that was read, without quotes.</summary>
    public string? Etag { get; init; }

    /// <summary>SHA-256 of the encoded bytes, 64 lower-case hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Size of the encoded image in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Width in pixels, after the EXIF orientation is applied.</summary>
    public required int Width { get; init; }

    /// <summary>Height in pixels, after the EXIF orientation is applied.</summary>
    public required int Height { get; init; }

    /// <summary><c>jpeg</c>, <c>png</c>, <c>webp</c>, <c>gif</c> or <c>bmp</c>, found in the bytes, not in the name.</summary>
    public required string Format { get; init; }
}

/// <summary>
/// What one model said about one image. The task says which one of <see cref="Caption"/>, <see cref="Embedding"/>, <see cref="Answer"/>,
/// <see cref="Detections"/> and <see cref="Classification"/> is set.
/// </summary>
public sealed record Output
{
    /// <summary>The task, of <see cref="Contracts.Tasks"/>.</summary>
    public required string Task { get; init; }

    /// <summary>The model that answered.</summary>
    public required ModelReference Model { get; init; }

    /// <summary>Identifies this result: equal for every delivery of the same work. Upsert by it.</summary>
    public required string ResultId { get; init; }

    /// <summary>As <see cref="ResultId"/> without bucket and key: equal for equal bytes under another key.</summary>
    public required string ContentId { get; init; }

    /// <summary>The caption, for task <c>caption</c>.</summary>
    public Caption? Caption { get; init; }

    /// <summary>The embedding, for task <c>embedding</c>.</summary>
    public Embedding? Embedding { get; init; }

    /// <summary>The answer, for task <c>answer</c>.</summary>
    public Caption? Answer { get; init; }

    /// <summary>What was found and where, for task <c>detect</c>; empty where nothing was.</summary>
    public IReadOnlyList<Detection>? Detections { get; init; }

    /// <summary>The labels with their scores, for task <c>classify</c>.</summary>
    public Classification? Classification { get; init; }
}

/// <summary>A model by name and content.</summary>
public sealed record ModelReference
{
    /// <summary>The name the worker's configuration gives it.</summary>
    public required string Alias { get; init; }

    /// <summary>SHA-256 over the model's files, 64 lower-case hexadecimal digits: changes with weights and precision.</summary>
    public required string Revision { get; init; }
}

/// <summary>A generated text.</summary>
public sealed record Caption
{
    /// <summary>The text without special tokens.</summary>
    public required string Text { get; init; }

    /// <summary>Natural logarithm: for beams the length-penalised sequence score, for greedy search the mean of the tokens' log-probabilities.</summary>
    public double? Score { get; init; }

    /// <summary>Tokens generated, the end token included.</summary>
    public required int Tokens { get; init; }

    /// <summary>The next best texts where several return sequences were asked for, best first.</summary>
    public IReadOnlyList<Caption>? Alternatives { get; init; }
}

/// <summary>An L2-normalised vector; exactly one of <see cref="Values"/> and <see cref="Base64"/> is set.</summary>
public sealed record Embedding
{
    /// <summary>The number of components.</summary>
    public required int Dimensions { get; init; }

    /// <summary>The components.</summary>
    public IReadOnlyList<float>? Values { get; init; }

    /// <summary>The components as little-endian IEEE 754 float32, in base64.</summary>
    public string? Base64 { get; init; }
}

/// <summary>Where one message's time went, in milliseconds; they overlap with other messages' and need not add up.</summary>
public sealed record Timings
{
    /// <summary>From publication (AMQP timestamp, whole seconds, if the producer set one) to the worker's hands.</summary>
    public double? Queued { get; init; }

    /// <summary>Reading the object, retries included.</summary>
    public required double Fetch { get; init; }

    /// <summary>Decoding and resizing, waiting for a decoder included.</summary>
    public required double Decode { get; init; }

    /// <summary>The longest wait of a task for its batch.</summary>
    public required double BatchWait { get; init; }

    /// <summary>The longest run of a task's batch, until this row's outcome was known.</summary>
    public required double Inference { get; init; }

    /// <summary>Rows in the largest of the batches this message was part of.</summary>
    public required int BatchSize { get; init; }
}
