using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace VlWorker.Serving.Access;

/// <summary>The keys that clients may show. They are kept as hashes, compared in constant time, and never logged.</summary>
/// <remarks>
/// A key is shown as <c>Authorization: Bearer KEY</c>, which is what OpenAI's clients send, as <c>X-Api-Key: KEY</c>, or as the password of
/// HTTP Basic, which is how browsers ask for the status page.
/// </remarks>
internal sealed class ApiKeys(IEnumerable<string> keys)
{
    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    /// <summary>Whether a key is asked for at all.</summary>
    public bool AreRequired => _hashes.Length > 0;

    /// <summary>Whether a request may pass.</summary>
    public bool Accept(HttpRequest request) => !AreRequired || Shown(request).Any(IsKey);

    private bool IsKey(string shown)
    {
        // Hashes have one length, and every key is compared whatever the others said: time tells nothing about any of them.
        var (hash, found) = (Hash(shown), false);
        foreach (var known in _hashes)
            found |= CryptographicOperations.FixedTimeEquals(hash, known);
        return found;
    }

    private static IEnumerable<string> Shown(HttpRequest request)
    {
        foreach (var value in request.Headers["X-Api-Key"])
        {
            if (value is not null)
                yield return value;
        }

        foreach (var value in request.Headers.Authorization)
        {
            if (value is null)
                continue;
            if (value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
                yield return value["Bearer ".Length..].Trim();
            else if (value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && Password(value["Basic ".Length..].Trim()) is { } password)
                yield return password;
        }
    }

    private static string? Password(string encoded)
    {
        var bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out var length))
            return null;
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? text[(colon + 1)..] : null;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
