namespace VlWorker.Inference.Generation;

/// <summary>A number for each row of a batch, which goes with its row.</summary>
internal sealed class RowNumbers
{
    private int[] _values = [];
    private int[] _spare = [];

    /// <summary>A row's number.</summary>
    public int this[int row]
    {
        get => _values[row];
        set => _values[row] = value;
    }

    /// <summary>Makes room; what is there is lost.</summary>
    public void Reserve(int rows)
    {
        if (_values.Length < rows)
            _values = new int[rows];
    }

    /// <summary>Takes over rows: new row i is old row sources[i].</summary>
    public void Arrange(ReadOnlySpan<int> sources)
    {
        if (_spare.Length < sources.Length)
            _spare = new int[sources.Length];
        for (var i = 0; i < sources.Length; i++)
            _spare[i] = _values[sources[i]];
        (_values, _spare) = (_spare, _values);
    }
}
