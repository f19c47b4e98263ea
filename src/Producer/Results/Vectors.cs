using System.Buffers.Binary;
using VlWorker.Contracts;

namespace VlWorker.Producer.Results;

/// <summary>Embeddings as numbers, whichever way they were written.</summary>
internal static class Vectors
{
    /// <summary>The components.</summary>
    /// <exception cref="System.Text.Json.JsonException">It holds no vector, or one of another length than it says.</exception>
    public static List<float> Read(Embedding embedding)
    {
        var values = embedding.Values?.ToList() ?? Decode(embedding.Base64);
        return values.Count == embedding.Dimensions
            ? values
            : throw new System.Text.Json.JsonException($"an embedding of {embedding.Dimensions} dimensions has {values.Count} components");
    }

    private static List<float> Decode(string? base64)
    {
        try
        {
            var bytes = Convert.FromBase64String(base64 ?? "");
            return [.. Enumerable.Range(0, bytes.Length / sizeof(float)).Select(i => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * sizeof(float))))];
        }
        catch (FormatException error)
        {
            throw new System.Text.Json.JsonException("an embedding is no base64", error);
        }
    }
}
