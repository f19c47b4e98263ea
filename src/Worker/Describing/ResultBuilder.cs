using System.Buffers.Binary;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;

namespace VlWorker.Describing;

/// <summary>Turns what the models said into outputs.</summary>
internal static class ResultBuilder
{
    /// <summary>The output of one task.</summary>
    /// <param name="plan">The task.</param>
    /// <param name="place">Where the image lies; null where it came with the request: its content is then all that can identify the result.</param>
    /// <param name="sha256">Hash of the encoded image.</param>
    /// <param name="more">Hashes of the images behind it, in order.</param>
    /// <param name="outcome">What the model said.</param>
    /// <param name="encoding">The encoding of embeddings.</param>
    public static Output Build(TaskPlan plan, ImageReference? place, string sha256, IReadOnlyList<string> more, InferenceOutcome outcome, string? encoding)
    {
        // They are put together anew each time, and labels can make them long.
        var parameters = plan.Parameters(more);
        var content = ResultIds.ContentId(sha256, plan.Task, plan.Model.Reference.Revision, parameters);
        return new Output
        {
            Task = plan.Task,
            Model = plan.Model.Reference,
            ResultId = place is null
                ? content
                : ResultIds.ResultId(place.Bucket!, place.Key!, sha256, plan.Task, plan.Model.Reference.Revision, parameters),
            ContentId = content,
            Caption = outcome is CaptionOutcome caption && plan.Task != Tasks.Answer ? Build(caption) : null,
            Answer = outcome is CaptionOutcome answer && plan.Task == Tasks.Answer ? Build(answer) : null,
            Classification = outcome is ClassificationOutcome classification ? classification.Classification : null,
            Detections = outcome is DetectionOutcome detection ? detection.Detections : null,
            Embedding = outcome is EmbeddingOutcome embedding ? Build(embedding, encoding) : null,
        };
    }

    /// <summary>An image of the store as answers show it.</summary>
    public static DescribedImage Build(ImageFacts image, ImageReference place) => new()
    {
        Bucket = place.Bucket!,
        Key = place.Key!,
        VersionId = image.VersionId,
        Etag = image.Etag,
        Sha256 = image.Sha256,
        Bytes = image.Bytes,
        Width = image.Width,
        Height = image.Height,
        Format = image.Format,
    };

    /// <summary>A vector in the encoding asked for.</summary>
    public static Embedding Build(EmbeddingOutcome outcome, string? encoding) => encoding == EmbeddingEncodings.Base64
        ? new Embedding { Dimensions = outcome.Values.Length, Base64 = ToBase64(outcome.Values) }
        : new Embedding { Dimensions = outcome.Values.Length, Values = outcome.Values };

    /// <summary>Where the time went: of several tasks the longest counts, since they run side by side.</summary>
    public static Timings Time(TimeSpan fetch, TimeSpan decode, IReadOnlyList<BatchedOutcome> outcomes) => new()
    {
        Fetch = Milliseconds(fetch),
        Decode = Milliseconds(decode),
        BatchWait = Milliseconds(outcomes.Max(outcome => outcome.Waited)),
        Inference = Milliseconds(outcomes.Max(outcome => outcome.Ran)),
        BatchSize = outcomes.Max(outcome => outcome.BatchSize),
    };

    private static Caption Build(CaptionOutcome outcome)
    {
        var best = Build(outcome.Sequences[0]);
        return outcome.Sequences.Count == 1 ? best : best with { Alternatives = [.. outcome.Sequences.Skip(1).Select(Build)] };
    }

    private static Caption Build(GeneratedSequence sequence) => new()
    {
        Text = sequence.Text,
        Score = double.IsFinite(sequence.Score) ? sequence.Score : null,
        Tokens = sequence.GeneratedTokens,
    };

    /// <summary>Little-endian float32 in base64.</summary>
    public static string ToBase64(IReadOnlyList<float> values)
    {
        var bytes = new byte[values.Count * sizeof(float)];
        for (var i = 0; i < values.Count; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        return Convert.ToBase64String(bytes);
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);
}
