using System.Runtime.CompilerServices;
using System.Text.Json;
using VlWorker.Contracts;

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
        using var lines = ManifestFile.OpenLines(path);
        var skip = ManifestEntry.Records(position);
        while (await lines.NextAsync(cancellation) is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line.Number > skip && Read(line) is { } entry)
                yield return entry;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>The entry of a line; null if it is blank.</summary>
    private SourceEntry? Read(ManifestLine line)
    {
        var number = line.Number;
        if (line.IsCut)
            return SourceEntry.Wrong(ManifestEntry.Position(number), number, "it is longer than a request may be");
        if (ManifestFile.Text(line.Bytes) is not { } text)
            return SourceEntry.Wrong(ManifestEntry.Position(number), number, ManifestFile.Garbled);
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (!json && !text.StartsWith('{'))
            return _entries.FromRequest(number, number, new DescribeImage { Image = new ImageReference { Key = text } });
        try
        {
            var request = ContractsJson.Read<DescribeImage>(line.Bytes);
            return _entries.FromRequest(number, number, request.Image is null ? request with { Image = Flat(line.Bytes) } : request);
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
