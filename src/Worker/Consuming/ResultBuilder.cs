using System.Buffers.Binary;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;

namespace VlWorker.Consuming;

/// <summary>Turns what the models said into outputs.</summary>
internal static class ResultBuilder
{
    /// <summary>The output of one task.</summary>
    public static Output Build(TaskPlan plan, DescribedImage image, InferenceOutcome outcome, string? encoding) => new()
    {
        Task = plan.Task,
        Model = plan.Model.Reference,
        ResultId = ResultIds.ResultId(image.Bucket, image.Key, image.Sha256, plan.Task, plan.Model.Reference.Revision, plan.Parameters),
        ContentId = ResultIds.ContentId(image.Sha256, plan.Task, plan.Model.Reference.Revision, plan.Parameters),
        Caption = outcome is CaptionOutcome caption ? Build(caption) : null,
        Embedding = outcome is EmbeddingOutcome embedding ? Build(embedding, encoding) : null,
    };

    /// <summary>A vector in the encoding asked for.</summary>
    public static Embedding Build(EmbeddingOutcome outcome, string? encoding) => encoding == EmbeddingEncodings.Base64
        ? new Embedding { Dimensions = outcome.Values.Length, Base64 = ToBase64(outcome.Values) }
        : new Embedding { Dimensions = outcome.Values.Length, Values = outcome.Values };

    /// <summary>Where the time went: of several tasks the longest counts, since they run side by side.</summary>
    public static Timings Time(double? queued, TimeSpan fetch, TimeSpan decode, IReadOnlyList<BatchedOutcome> outcomes) => new()
    {
        Queued = queued,
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

    private static string ToBase64(float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        return Convert.ToBase64String(bytes);
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);
}
