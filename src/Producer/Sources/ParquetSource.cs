using System.Globalization;
using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Schema;

namespace VlWorker.Producer.Sources;

/// <summary>A manifest as Parquet with the columns of <see cref="ManifestEntry.Columns"/>, a row group at a time. The position is the number of the last row.</summary>
/// <param name="path">The file.</param>
/// <param name="bucket">The bucket of rows that name none, or null.</param>
internal sealed class ParquetSource(string path, string? bucket) : IItemSource
{
    /// <summary>Stands for bytes that are no text.</summary>
    private static readonly string NotText = new('\uFFFD', 1);

    private readonly ManifestEntry _entries = new(bucket);

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var file = ManifestFile.Open(path);
        await using var reader = await OpenAsync(file, cancellation);
        // Of a column that holds lists or maps only leaves are data fields, and a map's are named key and value.
        var fields = reader.Schema.DataFields.Where(field => field.Path.Length == 1).ToArray();
        var map = ManifestEntry.Map(path, [.. fields.Select(field => field.Name)]);
        var skip = ManifestEntry.Records(position);
        var row = 0L;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            using var rows = reader.OpenRowGroupReader(group);
            if (row + rows.RowCount <= skip)
            {
                row += rows.RowCount;
                continue;
            }

            var columns = new Dictionary<string, string?[]>(StringComparer.Ordinal);
            foreach (var (name, index) in map)
                columns[name] = await ReadAsync(rows, fields[index], group, cancellation);
            for (var i = 0; i < rows.RowCount; i++)
            {
                if (++row <= skip)
                    continue;
                yield return columns.Values.Any(values => ReferenceEquals(values[i], NotText))
                    ? SourceEntry.Wrong(ManifestEntry.Position(row), row, ManifestFile.Garbled)
                    : _entries.FromRow(row, name => columns.TryGetValue(name, out var values) ? values[i] : null);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private async Task<ParquetReader> OpenAsync(Stream file, CancellationToken cancellation)
    {
        try
        {
            return await ParquetReader.CreateAsync(file, cancellationToken: cancellation);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new ProducerException(ExitCode.Source, $"{path} is no Parquet file: {error.Message}", error);
        }
    }

    private async Task<string?[]> ReadAsync(ParquetRowGroupReader rows, DataField field, int group, CancellationToken cancellation)
    {
        try
        {
            return await ReadAsync(rows, field, cancellation);
        }
        catch (Exception error) when (error is not (ProducerException or OperationCanceledException or OutOfMemoryException))
        {
            throw new ProducerException(ExitCode.Source, $"the column '{field.Name}' of {path} can't be read in row group {group + 1}: {error.Message}", error);
        }
    }

    private async Task<string?[]> ReadAsync(ParquetRowGroupReader rows, DataField field, CancellationToken cancellation)
    {
        var count = (int)rows.RowCount;
        if (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>)
            || field.ClrType == typeof(byte[]) || field.ClrType == typeof(ReadOnlyMemory<byte>))
        {
            // Read as texts, bytes that are none would be replaced without a word.
            var raw = new ParquetSchema(new DataField(field.Name, typeof(byte[]), field.IsNullable)).DataFields[0];
            var bytes = new byte[]?[count];
            await rows.ReadAsync(raw, bytes.AsMemory()!, null, cancellation);
            return [.. bytes.Select(value => value is null ? null : ManifestFile.Text(value) ?? NotText)];
        }

        if (field.ClrType == typeof(long) && !field.IsNullable)
        {
            var numbers = new long[count];
            await rows.ReadAsync<long>(field, numbers.AsMemory(), null, cancellation);
            return [.. numbers.Select(value => value.ToString(CultureInfo.InvariantCulture))];
        }

        if (field.ClrType == typeof(long))
        {
            var numbers = new long?[count];
            await rows.ReadAsync<long>(field, numbers.AsMemory(), null, cancellation);
            return [.. numbers.Select(value => value?.ToString(CultureInfo.InvariantCulture))];
        }

        throw new ProducerException(
            ExitCode.Usage, $"the column '{field.Name}' of {path} is of type {field.ClrType.Name}; texts are needed (and 64-bit numbers for bytes)");
    }
}
