using System.Text.Json.Serialization;
using VlWorker.Contracts;

namespace VlWorker.Producer.Results;

/// <summary>A message as a row of a Parquet file. What a kind of message does not have is null.</summary>
internal sealed class ResultRow
{
    /// <summary>The request's id.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>image</c>, <c>text</c> or <c>rejected</c>.</summary>
    [JsonPropertyName("kind")]
    public string? Kind { get; set; }

    [JsonPropertyName("job_id")]
    public string? JobId { get; set; }

    [JsonPropertyName("bucket")]
    public string? Bucket { get; set; }

    [JsonPropertyName("key")]
    public string? Key { get; set; }

    [JsonPropertyName("version_id")]
    public string? VersionId { get; set; }

    [JsonPropertyName("etag")]
    public string? Etag { get; set; }

    [JsonPropertyName("sha256")]
    public string? Sha256 { get; set; }

    [JsonPropertyName("bytes")]
    public long? Bytes { get; set; }

    [JsonPropertyName("width")]
    public int? Width { get; set; }

    [JsonPropertyName("height")]
    public int? Height { get; set; }

    [JsonPropertyName("format")]
    public string? Format { get; set; }

    [JsonPropertyName("caption")]
    public string? Caption { get; set; }

    [JsonPropertyName("caption_score")]
    public double? CaptionScore { get; set; }

    [JsonPropertyName("caption_tokens")]
    public int? CaptionTokens { get; set; }

    [JsonPropertyName("caption_model")]
    public string? CaptionModel { get; set; }

    [JsonPropertyName("caption_revision")]
    public string? CaptionRevision { get; set; }

    [JsonPropertyName("caption_result_id")]
    public string? CaptionResultId { get; set; }

    /// <summary>The vector; every row of a model has as many components.</summary>
    [JsonPropertyName("embedding")]
    public List<float>? Embedding { get; set; }

    [JsonPropertyName("embedding_model")]
    public string? EmbeddingModel { get; set; }

    [JsonPropertyName("embedding_revision")]
    public string? EmbeddingRevision { get; set; }

    [JsonPropertyName("embedding_result_id")]
    public string? EmbeddingResultId { get; set; }

    [JsonPropertyName("reason")]
    public string? Reason { get; set; }

    [JsonPropertyName("detail")]
    public string? Detail { get; set; }

    /// <summary>When the worker answered, UTC.</summary>
    [JsonPropertyName("answered_at")]
    public DateTime AnsweredAt { get; set; }

    /// <summary>The row of an answer.</summary>
    internal static ResultRow Of(Answer answer) => answer switch
    {
        { Image: { } image } => OfImage(image),
        { Text: { } text } => OfText(text),
        { Rejection: { } rejection } => OfRejection(rejection),
        _ => throw new ArgumentException("an empty answer", nameof(answer)),
    };

    private static ResultRow OfImage(ImageDescribed result)
    {
        var caption = result.Outputs.FirstOrDefault(output => output.Caption is not null);
        var embedding = result.Outputs.FirstOrDefault(output => output.Embedding is not null);
        return new ResultRow
        {
            Id = result.Id,
            Kind = "image",
            JobId = result.JobId,
            Bucket = result.Image.Bucket,
            Key = result.Image.Key,
            VersionId = result.Image.VersionId,
            Etag = result.Image.Etag,
            Sha256 = result.Image.Sha256,
            Bytes = result.Image.Bytes,
            Width = result.Image.Width,
            Height = result.Image.Height,
            Format = result.Image.Format,
            Caption = caption?.Caption!.Text,
            CaptionScore = caption?.Caption!.Score,
            CaptionTokens = caption?.Caption!.Tokens,
            CaptionModel = caption?.Model.Alias,
            CaptionRevision = caption?.Model.Revision,
            CaptionResultId = caption?.ResultId,
            Embedding = embedding is null ? null : Vectors.Read(embedding.Embedding!),
            EmbeddingModel = embedding?.Model.Alias,
            EmbeddingRevision = embedding?.Model.Revision,
            EmbeddingResultId = embedding?.ResultId,
            AnsweredAt = result.ProducedAt.UtcDateTime,
        };
    }

    private static ResultRow OfText(TextDescribed result) => new()
    {
        Id = result.Id,
        Kind = "text",
        JobId = result.JobId,
        Embedding = Vectors.Read(result.Embedding),
        EmbeddingModel = result.Model.Alias,
        EmbeddingRevision = result.Model.Revision,
        EmbeddingResultId = result.ResultId,
        AnsweredAt = result.ProducedAt.UtcDateTime,
    };

    private static ResultRow OfRejection(ImageRejected rejection) => new()
    {
        Id = rejection.Id,
        Kind = "rejected",
        JobId = rejection.JobId,
        Bucket = rejection.Image?.Bucket,
        Key = rejection.Image?.Key,
        Reason = rejection.Reason,
        Detail = rejection.Detail,
        AnsweredAt = rejection.RejectedAt.UtcDateTime,
    };
}
