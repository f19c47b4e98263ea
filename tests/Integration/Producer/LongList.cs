namespace VlWorker.Integration.Producer;

/// <summary>A list that is made while it is read, and watches the memory of whoever reads it.</summary>
internal sealed class LongList(int count, int lineLength) : TextReader
{
    private readonly string _padding = new('x', lineLength);
    private long _before;
    private int _read;

    /// <summary>Bytes alive while the list was read, less those alive at its beginning, at most.</summary>
    public long LargestGrowth { get; private set; } = long.MinValue;

    public override string? ReadLine()
    {
        if (_read == 0)
            _before = GC.GetTotalMemory(forceFullCollection: true);
        else if (_read % 1000 == 0)
            LargestGrowth = Math.Max(LargestGrowth, GC.GetTotalMemory(forceFullCollection: true) - _before);
        return _read++ < count ? $$$"""{"image":{"key":"{{{_read}}}.jpg"},"context":{"padding":"{{{_padding}}}"}}""" : null;
    }

    public override ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) => new(ReadLine());
}
