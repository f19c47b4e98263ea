using VlWorker.Contracts;

namespace VlWorker.Serving.Predict;

/// <summary>The answer of POST /predict: what <see cref="ImageDescribed"/> is to messages.</summary>
internal sealed record Prediction
{
    /// <summary>The request's id, or one that was made for it.</summary>
    public required string Id { get; init; }

    /// <summary>What was read.</summary>
    public required PredictedImage Image { get; init; }

    /// <summary>One entry a task, in the order of the request.</summary>
    public required IReadOnlyList<Output> Outputs { get; init; }

    /// <summary>Where the time went; fetch is the time to receive the body where the image came with the request.</summary>
    public required Timings Timings { get; init; }

    /// <summary>The request's context.</summary>
    public IReadOnlyDictionary<string, string>? Context { get; init; }

    /// <summary>When the result was computed, UTC.</summary>
    public required DateTime ProducedAt { get; init; }
}

/// <summary>An image as it was read; bucket and key are there if it was read from the store.</summary>
internal sealed record PredictedImage
{
    public string? Bucket { get; init; }

    public string? Key { get; init; }

    public string? VersionId { get; init; }

    public string? Etag { get; init; }

    public required string Sha256 { get; init; }

    public required long Bytes { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    public required string Format { get; init; }
}
