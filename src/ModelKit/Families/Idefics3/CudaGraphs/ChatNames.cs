using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

/// <summary>
/// Inputs and outputs of a chat model's graphs for CUDA. Tokens, their choice and the cache are called as in <see cref="CaptionerNames"/>; the cache is
/// [rows, heads, capacity, size].
/// </summary>
internal static class ChatNames
{
    /// <summary>[features, D]: of the image tower [images, features of one, D], of the prompt's graph all of its batch.</summary>
    public const string Features = "image_features";

    /// <summary>[rows, positions] of int64: the feature that takes a token's place; -1 where the token stays.</summary>
    public const string FeatureRows = "feature_rows";

    /// <summary>[rows] of int32: positions of each row, this run's included, less one.</summary>
    public const string PastLengths = "past_lengths";

    /// <summary><see cref="PastLengths"/> of the step that follows.</summary>
    public const string NextLengths = "next_lengths";

    /// <summary>[] of int32 on the host: of a prompt the positions that go in, of a step any number above all rows' positions.</summary>
    public const string TotalLength = "total_length";
}
