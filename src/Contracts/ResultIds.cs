using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace VlWorker.Contracts;

/// <summary>Ids that are equal for equal work: SHA-256 over length-prefixed UTF-8 fields, 64 lower-case hexadecimal digits.</summary>
public static class ResultIds
{
    /// <summary>Id of a result for one object: hash of bucket, key and everything in <see cref="ContentId"/>.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The key.</param>
    /// <param name="sha256">SHA-256 of the encoded image, hexadecimal.</param>
    /// <param name="task">The task.</param>
    /// <param name="revision">The model's revision.</param>
    /// <param name="parameters">The prompt and the effective parameters, see <see cref="Parameters"/>.</param>
    public static string ResultId(string bucket, string key, string sha256, string task, string revision, string parameters) =>
        Hash("result/1", bucket, key, sha256, task, revision, parameters);

    /// <summary>Id of a result for some content, wherever it lies.</summary>
    /// <param name="sha256">SHA-256 of the encoded image, hexadecimal.</param>
    /// <param name="task">The task.</param>
    /// <param name="revision">The model's revision.</param>
    /// <param name="parameters">The prompt and the effective parameters, see <see cref="Parameters"/>.</param>
    public static string ContentId(string sha256, string task, string revision, string parameters) =>
        Hash("content/1", sha256, task, revision, parameters);

    /// <summary>Id of a text's embedding.</summary>
    /// <param name="text">The text as the request gave it.</param>
    /// <param name="revision">The model's revision.</param>
    public static string TextId(string text, string revision) => Hash("text/1", text, revision);

    /// <summary>The canonical text of a prompt and of the parameters that a generation really used; empty for an embedding.</summary>
    /// <param name="prompt">The prompt or null.</param>
    /// <param name="parameters">Names and values; the order does not matter, null values are left out.</param>
    public static string Parameters(string? prompt, IEnumerable<KeyValuePair<string, object?>> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var text = new StringBuilder();
        foreach (var (name, value) in parameters.Where(p => p.Value is not null).OrderBy(p => p.Key, StringComparer.Ordinal))
            text.Append(Escape(name)).Append('=').Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture)!)).Append(';');
        if (prompt is not null)
            text.Append("prompt=").Append(Escape(prompt));
        return text.ToString();
    }

    // No value can pretend to be another field.
    private static string Escape(string text) => text.AsSpan().IndexOfAny('\\', ';', '=') < 0
        ? text
        : text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(";", "\\;", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal);

    private static string Hash(params ReadOnlySpan<string> fields)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var field in fields)
        {
            var bytes = Encoding.UTF8.GetBytes(field);
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
