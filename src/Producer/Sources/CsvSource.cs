using System.Runtime.CompilerServices;

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
        using var lines = ManifestFile.OpenLines(path);
        var records = new CsvRecords(lines, path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? "\t" : ",");
        if (await records.NextAsync(count: null, cancellation) is not { } head)
            throw new ProducerException(ExitCode.Usage, $"the manifest {path} is empty");
        if (head.Fault is { } wrong)
            throw new ProducerException(ExitCode.Usage, $"the manifest {path} has no line of names: {wrong} in line {head.Line}");
        var columns = ManifestEntry.Map(path, head.Fields);
        var skip = ManifestEntry.Records(position);
        for (var record = 1L; await records.NextAsync(head.Fields.Count, cancellation) is { } row; record++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (record > skip)
                yield return Entry(record, row, columns);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private SourceEntry Entry(long record, CsvRecord row, Dictionary<string, int> columns)
    {
        if (row.Fault is not null)
            return SourceEntry.Wrong(ManifestEntry.Position(record), row.Line, row.Fault);
        var entry = _entries.FromRow(record, name => columns.TryGetValue(name, out var column) ? row.Fields[column] : null);
        return entry.Fault is { } fault ? entry with { Fault = fault with { Place = row.Line } } : entry;
    }
}
