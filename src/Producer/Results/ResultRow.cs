using System.Text.Json.Serialization;

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

    [JsonPropertyName("answer")]
    public string? Answer { get; set; }

    [JsonPropertyName("answer_score")]
    public double? AnswerScore { get; set; }

    [JsonPropertyName("answer_tokens")]
    public int? AnswerTokens { get; set; }

    [JsonPropertyName("answer_model")]
    public string? AnswerModel { get; set; }

    [JsonPropertyName("answer_revision")]
    public string? AnswerRevision { get; set; }

    [JsonPropertyName("answer_result_id")]
    public string? AnswerResultId { get; set; }

    /// <summary>The detections as the message has them, a JSON array.</summary>
    [JsonPropertyName("detections")]
    public string? Detections { get; set; }

    [JsonPropertyName("detect_model")]
    public string? DetectModel { get; set; }

    [JsonPropertyName("detect_revision")]
    public string? DetectRevision { get; set; }

    [JsonPropertyName("detect_result_id")]
    public string? DetectResultId { get; set; }

    /// <summary>The labels of a classification, best first.</summary>
    [JsonPropertyName("labels")]
    public List<string>? Labels { get; set; }

    /// <summary>The labels' scores, in the same order.</summary>
    [JsonPropertyName("label_scores")]
    public List<double>? LabelScores { get; set; }

    [JsonPropertyName("classify_model")]
    public string? ClassifyModel { get; set; }

    [JsonPropertyName("classify_revision")]
    public string? ClassifyRevision { get; set; }

    [JsonPropertyName("classify_result_id")]
    public string? ClassifyResultId { get; set; }

    [JsonPropertyName("reason")]
    public string? Reason { get; set; }

    [JsonPropertyName("detail")]
    public string? Detail { get; set; }

    /// <summary>When the worker answered, UTC.</summary>
    [JsonPropertyName("answered_at")]
    public DateTime AnsweredAt { get; set; }
}
