using System.Globalization;
using System.Text;

namespace VlWorker.Producer.Sources;

/// <summary>The records of a CSV file (RFC 4180), read with bounded memory. A quote that is not closed costs the line that it is in.</summary>
/// <param name="lines">The file's lines; stay the caller's.</param>
/// <param name="delimiter">What separates fields.</param>
internal sealed class CsvRecords(ManifestLines lines, char delimiter)
{
    /// <summary>Bytes of a field at most.</summary>
    public const int LongestField = 64 << 10;

    private const string BadQuote = "a quote where none belongs";

    /// <summary>Bytes that a line in memory takes beside its own.</summary>
    private const int LineOverhead = 128;

    /// <summary>Lines that an open quote had taken in, the next one on top.</summary>
    private readonly Stack<ManifestLine> _again = new();
    private readonly List<byte[]> _fields = [];
    private readonly List<byte> _field = [];
    private Place _place;

    /// <summary>Where in a record the reader is between two bytes.</summary>
    private enum Place
    {
        FieldStart,
        Plain,
        Quoted,
        QuoteEnd,
        Broken,
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
        if (line is null)
            return null;
        var taken = new List<ManifestLine>();
        Begin();
        for (var bytes = 0; ; line = await TakeAsync(cancellation))
        {
            if (line is null || (line.IsCut && taken.Count > 0) || bytes > ManifestLines.Longest)
            {
                _place = Place.Broken;
                if (line is not null)
                    taken.Add(line);
                break;
            }

            taken.Add(line);
            Read(line);
            bytes += line.Bytes.Length + LineOverhead;
            if (_place != Place.Quoted || line.IsCut)
                break;
        }

        return Record(taken, count);
    }

    private async ValueTask<ManifestLine?> TakeAsync(CancellationToken cancellation) =>
        _again.TryPop(out var line) ? line : await lines.NextAsync(cancellation);

    private CsvRecord Record(List<ManifestLine> taken, int? count)
    {
        var first = taken[0];
        if (first.IsCut)
            return new CsvRecord(first.Number, _fields, $"it is longer than {ManifestLines.Longest >> 20} MiB");
        if (_place == Place.Broken || (taken.Count > 1 && count is not null && _fields.Count != count))
        {
            for (var i = taken.Count - 1; i > 0; i--)
                _again.Push(taken[i]);
            return new CsvRecord(first.Number, _fields, BadQuote);
        }

        return new CsvRecord(first.Number, _fields, count is not null && _fields.Count != count
            ? string.Create(CultureInfo.InvariantCulture, $"{_fields.Count} fields in place of {count}")
            : _fields.Any(field => field.Length > LongestField) ? $"a field longer than {LongestField >> 10} KiB"
            : null);
    }

    private void Begin()
    {
        _fields.Clear();
        _field.Clear();
        _place = Place.FieldStart;
    }

    private void Read(ManifestLine line)
    {
        foreach (var unit in line.Bytes)
        {
            _place = _place == Place.Quoted ? InQuotes(unit) : OutOfQuotes(unit);
            if (_place == Place.Broken)
                return;
        }

        if (_place == Place.Quoted)
            _field.AddRange(Encoding.ASCII.GetBytes(line.End));
        else
            End();
    }

    private Place InQuotes(byte unit)
    {
        if (unit == '"')
            return Place.QuoteEnd;
        _field.Add(unit);
        return Place.Quoted;
    }

    private Place OutOfQuotes(byte unit)
    {
        if (unit == delimiter)
            return End();
        if (unit == '"' && _place == Place.FieldStart)
            return Place.Quoted;

        // Two quotes stand for one of the text; anything else behind the end of quotes is wrong, as is a quote within plain text.
        if ((unit == '"') != (_place == Place.QuoteEnd))
            return Place.Broken;
        _field.Add(unit);
        return unit == '"' ? Place.Quoted : Place.Plain;
    }

    private Place End()
    {
        _fields.Add(_field.ToArray());
        _field.Clear();
        return Place.FieldStart;
    }
}

/// <summary>A record of a CSV file.</summary>
/// <param name="Line">The number of its first line.</param>
/// <param name="Fields">Its fields, valid until the next record is read.</param>
/// <param name="Fault">What is wrong with it, for a person; null if nothing is.</param>
internal readonly record struct CsvRecord(long Line, IReadOnlyList<byte[]> Fields, string? Fault);
