using System.Security.Cryptography;
using System.Text;
using VlWorker.Contracts;

namespace VlWorker.Bench.Backfill;

/// <summary>Answers as a worker gives them, without a look at any image.</summary>
internal static class Answers
{
    private static readonly string Vector = Convert.ToBase64String(new byte[128 * sizeof(float)]);

    /// <summary>A caption and an embedding of 128 dimensions.</summary>
    public static ImageDescribed To(DescribeImage request)
    {
        var hash = Hash(request.Image!.Key!);
        return new ImageDescribed
        {
            Id = request.Id!,
            JobId = request.JobId,
            Image = new DescribedImage
            {
                Bucket = request.Image.Bucket!,
                Key = request.Image.Key!,
                Etag = hash[..32],
                Sha256 = hash,
                Bytes = 1,
                Width = 1,
                Height = 1,
                Format = "jpeg",
            },
            Outputs =
            [
                Result(Tasks.Caption, hash) with { Caption = new Caption { Text = "a red kite over the sea", Score = -0.5, Tokens = 7 } },
                Result(Tasks.Embedding, Hash(hash)) with { Embedding = new Embedding { Dimensions = 128, Base64 = Vector } },
            ],
            Timings = new Timings { Fetch = 1, Decode = 1, BatchWait = 1, Inference = 1, BatchSize = 1 },
            ProducedAt = TimeProvider.System.GetUtcNow(),
        };
    }

    private static Output Result(string task, string id) =>
        new() { Task = task, Model = new ModelReference { Alias = task, Revision = Hash(task) }, ResultId = id, ContentId = id };

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
