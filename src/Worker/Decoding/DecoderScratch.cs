using VlWorker.Decoding.Resampling;

namespace VlWorker.Decoding;

/// <summary>
/// Working memory and weight tables of one decoder thread, kept from image to image: fresh memory costs a page fault every 4 KiB,
/// as much as resampling does. Not thread-safe.
/// </summary>
internal sealed class DecoderScratch : IDisposable
{
    /// <summary>Bytes that a thread keeps between images at most; larger buffers go back to the system at once.</summary>
    public const long RetainedBytes = 4L << 20;

    private const int RetainedTables = 16;

    private readonly List<PixelMemory> _free = [];
    private readonly (TableKey Key, ResampleTable? Table)[] _tables = new (TableKey, ResampleTable?)[RetainedTables];
    private long _freeBytes;
    private int _nextTable;

    /// <summary>A buffer of at least so many bytes. The caller gives it back with <see cref="Return"/>.</summary>
    public PixelMemory Rent(long bytes)
    {
        for (var i = 0; i < _free.Count; i++)
        {
            if (_free[i].Bytes < bytes)
                continue;
            var found = _free[i];
            _free.RemoveAt(i);
            _freeBytes -= found.Bytes;
            return found;
        }

        return new PixelMemory(bytes);
    }

    /// <summary>Takes a buffer back: keeps it, or frees it where that would keep too much.</summary>
    public void Return(PixelMemory buffer)
    {
        // Smaller buffers make way, or a few small images would keep every larger one out.
        while (_freeBytes + buffer.Bytes > RetainedBytes && _free.Count > 0 && _free[0].Bytes < buffer.Bytes)
        {
            _freeBytes -= _free[0].Bytes;
            _free[0].Dispose();
            _free.RemoveAt(0);
        }

        if (_freeBytes + buffer.Bytes > RetainedBytes)
        {
            buffer.Dispose();
            return;
        }

        // Ascending, so that renting takes the smallest that fits.
        var at = _free.FindIndex(other => other.Bytes >= buffer.Bytes);
        _free.Insert(at < 0 ? _free.Count : at, buffer);
        _freeBytes += buffer.Bytes;
    }

    /// <summary>The weights of an axis, from the last ones used or computed anew.</summary>
    public ResampleTable Table(int sourceSize, int resizedSize, int first, int count, ResampleFilter filter, bool mirrored)
    {
        var key = new TableKey(sourceSize, resizedSize, first, count, filter, mirrored);
        foreach (var (known, table) in _tables)
        {
            if (table is not null && known == key)
                return table;
        }

        var created = ResampleTable.Create(sourceSize, resizedSize, first, count, filter, mirrored);
        _tables[_nextTable] = (key, created);
        _nextTable = (_nextTable + 1) % RetainedTables;
        return created;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in _free)
            buffer.Dispose();
        _free.Clear();
        _freeBytes = 0;
    }

    private readonly record struct TableKey(int SourceSize, int ResizedSize, int First, int Count, ResampleFilter Filter, bool Mirrored);
}
