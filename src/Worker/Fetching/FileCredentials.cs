using Amazon.Runtime;
using VlWorker.Security;

namespace VlWorker.Fetching;

/// <summary>Credentials whose secret lies in a file, read again now and then: a renewed secret needs no restart.</summary>
internal sealed class FileCredentials(string accessKey, string secretKeyFile, string? sessionToken, TimeProvider time) : AWSCredentials
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(30);

    private volatile Entry? _entry;

    /// <inheritdoc/>
    public override ImmutableCredentials GetCredentials()
    {
        if (_entry is { } entry && time.GetElapsedTime(entry.Read) < Kept)
            return entry.Credentials;
        var credentials = new ImmutableCredentials(accessKey, SecretFile.Read(secretKeyFile), string.IsNullOrEmpty(sessionToken) ? null : sessionToken);
        _entry = new Entry(credentials, time.GetTimestamp());
        return credentials;
    }

    private sealed record Entry(ImmutableCredentials Credentials, long Read);
}
