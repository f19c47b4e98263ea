using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Producer.Results;

/// <summary>Makes rows of answers.</summary>
internal static class ResultRows
{
    /// <summary>The row of an answer.</summary>
    /// <exception cref="JsonException">It holds what no row can.</exception>
    public static ResultRow Of(Answer answer) => answer switch
    {
        { Image: { } image } => OfImage(image),
        { Text: { } text } => OfText(text),
        { Rejection: { } rejection } => OfRejection(rejection),
        _ => throw new ArgumentException("an empty answer", nameof(answer)),
    };

    private static ResultRow OfImage(ImageDescribed result)
    {
        var row = new ResultRow
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
            AnsweredAt = result.ProducedAt.UtcDateTime,
        };

        // A message has each task once; the first counts of what is there twice all the same.
        foreach (var output in result.Outputs.Reverse())
            Add(row, output);
        return row;
    }

    private static void Add(ResultRow row, Output output)
    {
        var (model, id) = (output.Model, output.ResultId);
        switch (output)
        {
            case { Caption: { } caption }:
                (row.Caption, row.CaptionScore, row.CaptionTokens) = (caption.Text, caption.Score, caption.Tokens);
                (row.CaptionModel, row.CaptionRevision, row.CaptionResultId) = (model.Alias, model.Revision, id);
                break;
            case { Embedding: { } embedding }:
                row.Embedding = Vectors.Read(embedding);
                (row.EmbeddingModel, row.EmbeddingRevision, row.EmbeddingResultId) = (model.Alias, model.Revision, id);
                break;
            case { Answer: { } answer }:
                (row.Answer, row.AnswerScore, row.AnswerTokens) = (answer.Text, answer.Score, answer.Tokens);
                (row.AnswerModel, row.AnswerRevision, row.AnswerResultId) = (model.Alias, model.Revision, id);
                break;
            case { Detections: { } detections }:
                row.Detections = Json(detections);
                (row.DetectModel, row.DetectRevision, row.DetectResultId) = (model.Alias, model.Revision, id);
                break;
            case { Classification: { } classification }:
                row.Labels = [.. classification.Labels.Select(label => label.Label)];
                row.LabelScores = [.. classification.Labels.Select(label => label.Score)];
                (row.ClassifyModel, row.ClassifyRevision, row.ClassifyResultId) = (model.Alias, model.Revision, id);
                break;
        }
    }

    private static string Json(IReadOnlyList<Detection> detections)
    {
        try
        {
            return JsonSerializer.Serialize(detections, ContractsJson.Default.IReadOnlyListDetection);
        }
        catch (ArgumentException error)
        {
            throw new JsonException("a number in it is too large", error);
        }
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
