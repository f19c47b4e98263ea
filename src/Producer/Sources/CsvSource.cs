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
    private bool _broken;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var file = ManifestFile.OpenText(path);
        using var parser = Parser(file);
        if (!await NextAsync(parser))
            throw new ProducerException(ExitCode.Usage, $"the manifest {path} is empty");
        var names = parser.Record!;
        var columns = ManifestEntry.Map(path, names);
        var skip = ManifestEntry.Records(position);
        var record = 0L;
        while (await NextAsync(parser))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var (fields, line, fault) in Rows(parser, names.Length))
            {
                if (++record <= skip)
                    continue;
                var entry = fault is not null ? SourceEntry.Wrong(ManifestEntry.Position(record), line, fault)
                    : _entries.FromRow(record, name => columns.TryGetValue(name, out var column) ? fields[column] : null);
                yield return entry.Fault is { } found ? entry with { Fault = found with { Place = line } } : entry;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private CsvParser Parser(TextReader text) => new(text, new CsvConfiguration(CultureInfo.InvariantCulture)
    {
        DetectDelimiter = false,
        Delimiter = path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? "\t" : ",",
        MaxFieldSize = 64 << 10,
        BadDataFound = _ => _broken = true,
    });

    /// <summary>The record; where a quote that is not closed has swallowed the lines behind it, each of its lines by itself.</summary>
    private IEnumerable<(string[] Fields, long Line, string? Fault)> Rows(CsvParser parser, int count)
    {
        var (fields, fault) = Row(parser, count);
        var lines = fault is null ? [] : parser.RawRecord.TrimEnd('\r', '\n').Split('\n');
        if (lines.Length < 2)
        {
            yield return (fields, parser.RawRow, fault);
            yield break;
        }

        // A line break inside quotes is counted, the one behind the record not yet.
        var first = parser.RawRow - lines.Length + (fields[^1].EndsWith('\n') ? 0 : 1);
        for (var i = 0; i < lines.Length; i++)
        {
            using var alone = Parser(new StringReader(lines[i]));
            if (!alone.Read())
                continue;
            (fields, fault) = Row(alone, count);
            yield return (fields, first + i, fault);
        }
    }

    private (string[] Fields, string? Fault) Row(CsvParser parser, int count)
    {
        var (fields, broken) = (parser.Record!, _broken);
        _broken = false;
        return (fields, broken ? "a quote where none belongs"
            : fields.Length != count ? string.Create(CultureInfo.InvariantCulture, $"{fields.Length} fields in place of {count}")
            : fields.Any(ManifestFile.IsGarbled) ? ManifestFile.Garbled
            : null);
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
