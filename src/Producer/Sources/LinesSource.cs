using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Sources;

/// <summary>A manifest with an image a line: a key, s3://bucket/key, or a request as JSON. The position is the number of the last line.</summary>
/// <param name="path">The file.</param>
/// <param name="bucket">The bucket of lines that name none, or null.</param>
/// <param name="json">Whether every line must be JSON.</param>
internal sealed class LinesSource(string path, string? bucket, bool json) : IItemSource
{
    private readonly ManifestEntry _entries = new(bucket);

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var file = ManifestFile.OpenText(path);
        await foreach (var (number, line) in LineReader.ReadAsync(file, path, ExitCode.Source, ManifestEntry.Records(position), cancellation))
            yield return Read(number, line);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private SourceEntry Read(long number, string line)
    {
        if (ManifestFile.IsGarbled(line))
            return SourceEntry.Wrong(ManifestEntry.Position(number), number, ManifestFile.Garbled);
        if (!json && !line.StartsWith('{'))
            return _entries.FromRequest(number, number, new DescribeImage { Image = new ImageReference { Key = line } });
        try
        {
            var bytes = Encoding.UTF8.GetBytes(line);
            var request = ContractsJson.Read<DescribeImage>(bytes);
            return _entries.FromRequest(number, number, request.Image is null ? request with { Image = Flat(bytes) } : request);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Half of a character in place of a key is an invalid operation.
            return SourceEntry.Wrong(ManifestEntry.Position(number), number, error.Message);
        }
    }

    // {"bucket": ..., "key": ...} does as well as a whole request.
    private static ImageReference? Flat(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        var root = document.RootElement;
        return new ImageReference { Bucket = Text(root, "bucket"), Key = Text(root, "key"), VersionId = Text(root, "versionId"), Etag = Text(root, "etag") };
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
