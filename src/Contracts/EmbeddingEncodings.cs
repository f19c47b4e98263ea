namespace VlWorker.Contracts;

/// <summary>The values of <see cref="DescribeImage.EmbeddingEncoding"/>.</summary>
public static class EmbeddingEncodings
{
    /// <summary>A JSON array of numbers in <see cref="Embedding.Values"/>; the default.</summary>
    public const string Float = "float";

    /// <summary>Little-endian float32 in <see cref="Embedding.Base64"/>: a third of the size.</summary>
    public const string Base64 = "base64";

    /// <summary>All encodings.</summary>
    public static IReadOnlyList<string> All { get; } = [Float, Base64];
}
