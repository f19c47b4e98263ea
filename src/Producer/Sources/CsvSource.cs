using System.Globalization;
using System.Runtime.CompilerServices;
using CsvHelper;
using CsvHelper.Configuration;

namespace VlWorker.Producer.Sources;

/// <summary>A manifest as CSV with a line of names: key, and if wanted bucket, etag, versionId, bytes. The position is the number of the last record.</summary>
/// <param name="path">The file.</param>
/// <param name="bucket">The bucket of records that name none, or null.</param>
internal sealed class CsvSource(string path, string? bucket) : IItemSource
{
    private readonly ManifestEntry _entries = new(bucket);

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var file = ManifestFile.OpenText(path);
        var broken = false;
        using var parser = new CsvParser(file, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            DetectDelimiter = false,
            Delimiter = path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? "\t" : ",",
            MaxFieldSize = 64 << 10,
            BadDataFound = _ => broken = true,
        });
        if (!await NextAsync(parser))
            throw new ProducerException(ExitCode.Usage, $"the manifest {path} is empty");
        var names = parser.Record!;
        var columns = ManifestEntry.Map(path, names);
        var skip = ManifestEntry.Records(position);
        for (var record = 1L; await NextAsync(parser); record++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (fields, bad) = (parser.Record!, broken);
            broken = false;
            if (record <= skip)
                continue;
            if (bad || fields.Length != names.Length)
            {
                yield return SourceEntry.Wrong(ManifestEntry.Position(record), parser.RawRow, bad
                    ? "a quote where none belongs"
                    : string.Create(CultureInfo.InvariantCulture, $"{fields.Length} fields in place of {names.Length}"));
                continue;
            }

            var entry = _entries.FromRow(record, name => columns.TryGetValue(name, out var column) ? fields[column] : null);
            yield return entry.Fault is { } fault ? entry with { Fault = fault with { Place = parser.RawRow } } : entry;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private async Task<bool> NextAsync(CsvParser parser)
    {
        try
        {
            return await parser.ReadAsync();
        }
        catch (Exception error) when (error is CsvHelperException or IOException)
        {
            throw new ProducerException(ExitCode.Source, $"can't read {path} at line {parser.RawRow}: {error.Message.Split('\n')[0].Trim()}", error);
        }
    }
}
