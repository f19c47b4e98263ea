using System.Globalization;
using System.Text;
using System.Text.Unicode;
using CsvHelper;
using CsvHelper.Configuration;

namespace VlWorker.Producer.Sources;

/// <summary>The records of a CSV file (RFC 4180), read with bounded memory. A quote that is not closed costs the line that it is in.</summary>
/// <remarks>A parser reads a field to its end, however far away that is: so it gets one record's lines at a time.</remarks>
internal sealed class CsvRecords
{
    /// <summary>Bytes of a field at most.</summary>
    public const int LongestField = 64 << 10;

    private const string BadQuote = "a quote where none belongs";

    /// <summary>Bytes that a line in memory takes beside its own.</summary>
    private const int LineOverhead = 128;

    private readonly ManifestLines _lines;
    private readonly CsvConfiguration _format;

    /// <summary>Lines that an open quote had taken in, the next one on top.</summary>
    private readonly Stack<ManifestLine> _again = new();
    private bool _broken;

    /// <param name="lines">The file's lines; stay the caller's.</param>
    /// <param name="delimiter">What separates fields.</param>
    public CsvRecords(ManifestLines lines, string delimiter)
    {
        _lines = lines;
        _format = new CsvConfiguration(CultureInfo.InvariantCulture) { DetectDelimiter = false, Delimiter = delimiter, BadDataFound = _ => _broken = true };
    }

    /// <summary>The next record; null behind the last one. Empty lines are none.</summary>
    /// <param name="count">Fields that a record has; null for any number.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ProducerException">The file can't be read.</exception>
    public async ValueTask<CsvRecord?> NextAsync(int? count, CancellationToken cancellation)
    {
        ManifestLine? line;
        do
            line = await TakeAsync(cancellation);
        while (line is { Bytes.Length: 0 });
        var (taken, bytes, isOpen) = (new List<ManifestLine>(), 0, false);
        for (; line is not null; line = await TakeAsync(cancellation))
        {
            if (taken.Count > 0 && (line.IsCut || bytes > ManifestLines.Longest))
            {
                _again.Push(line);
                break;
            }

            taken.Add(line);
            isOpen ^= int.IsOddInteger(line.Bytes.AsSpan().Count((byte)'"'));
            bytes += line.Bytes.Length + LineOverhead;
            if (!isOpen || line.IsCut)
                break;
        }

        return taken.Count == 0 ? null : Record(taken, isOpen, count);
    }

    private async ValueTask<ManifestLine?> TakeAsync(CancellationToken cancellation) =>
        _again.TryPop(out var line) ? line : await _lines.NextAsync(cancellation);

    private CsvRecord Record(List<ManifestLine> taken, bool isOpen, int? count)
    {
        var first = taken[0];
        if (first.IsCut)
            return new CsvRecord(first.Number, [], $"it is longer than {ManifestLines.Longest >> 20} MiB");
        byte[] bytes = taken.Count == 1 ? first.Bytes : [.. taken.SelectMany(static line => (byte[])[.. line.Bytes, .. Encoding.ASCII.GetBytes(line.End)])];
        string[] fields = isOpen ? [] : Parse(Encoding.UTF8.GetString(bytes));
        if (isOpen || _broken || (taken.Count > 1 && count is not null && fields.Length != count))
        {
            for (var i = taken.Count - 1; i > 0; i--)
                _again.Push(taken[i]);
            return new CsvRecord(first.Number, [], BadQuote);
        }

        return new CsvRecord(first.Number, fields, count is not null && fields.Length != count
            ? string.Create(CultureInfo.InvariantCulture, $"{fields.Length} fields in place of {count}")
            : Array.Exists(fields, static field => Encoding.UTF8.GetByteCount(field) > LongestField) ? $"a field longer than {LongestField >> 10} KiB"
            : Utf8.IsValid(bytes) ? null : ManifestFile.Garbled);
    }

    private string[] Parse(string text)
    {
        _broken = false;
        using var parser = new CsvParser(new StringReader(text), _format);
        return parser.Read() ? parser.Record! : [];
    }
}

/// <summary>A record of a CSV file.</summary>
/// <param name="Line">The number of its first line.</param>
/// <param name="Fields">Its fields.</param>
/// <param name="Fault">What is wrong with it, for a person; null if nothing is.</param>
internal readonly record struct CsvRecord(long Line, IReadOnlyList<string> Fields, string? Fault);
