namespace VlWorker.Decoding.Resampling;

/// <summary>Keeps as many stored rows in a ring as one line of the output needs, and finishes each line as soon as its last row is in.</summary>
internal sealed unsafe class AcrossFirstResampler : PlanResampler
{
    // The pass along the rows is fastest with four at a time, so that many are gathered.
    private const int GroupRows = 4;

    private readonly ResampleTable _along;
    private readonly ResampleTable _across;
    private readonly bool _descending;
    private readonly DecoderScratch _scratch;
    private readonly KernelPath _path;
    private readonly PixelMemory _memory;
    private readonly int _rowBytes;
    private readonly int _stride;
    private readonly int[] _group = new int[GroupRows];
    private int _next;
    private int _finished;
    private int _grouped;

    public AcrossFirstResampler(ResampleSetup setup, DecoderScratch scratch, KernelPath path)
        : base(setup)
    {
        (_along, _across, _descending, _scratch, _path) = (setup.Along, setup.Across, setup.AcrossMirrored, scratch, path);
        var pixels = _along.End - _along.First;
        _rowBytes = RowBytes(pixels);
        _stride = HorizontalPass.RowStride(_along.Outputs);
        _memory = scratch.Rent(MemoryBytes(pixels, _across.Taps, _along.Outputs));
    }

    // The memory: the ring, the gathered rows, those after the second pass, and pointers to the rows of a line.
    private byte* Gathered => _memory.Pointer + ((nint)_across.Taps * _rowBytes);

    private byte* Lines => Gathered + ((nint)GroupRows * _rowBytes);

    /// <summary>Working memory for stored rows of so many pixels, of which so many make a line.</summary>
    public static long MemoryBytes(int pixels, int taps, int outputs) =>
        ((taps + GroupRows) * (long)RowBytes(pixels)) + (GroupRows * HorizontalPass.RowStride(outputs)) + HorizontalPass.Slack
        + ((long)taps * sizeof(byte*));

    public override void Accept(byte* rows, nint stride, int count)
    {
        for (var row = 0; row < count; row++, _next++, rows += stride)
        {
            if (_next < _across.First || _next >= _across.End)
                continue;
            var used = (_along.End - _along.First) * 4L;
            Buffer.MemoryCopy(rows + ((nint)_along.First * 4), Ring(_next), used, used);
            while (_finished < _across.Outputs)
            {
                var line = _descending ? _across.Outputs - 1 - _finished : _finished;
                if (_across.Starts[line] + _across.Counts[line] > _next + 1)
                    break;
                Gather(line);
                _finished++;
            }
        }
    }

    protected override void Complete()
    {
        HorizontalPass.Run(Gathered - ((nint)_along.First * 4), _rowBytes, _grouped, _along, Lines, _stride, _path);
        for (var i = 0; i < _grouped; i++)
            Place(Lines + ((nint)i * _stride), _group[i]);
        _grouped = 0;
    }

    protected override void Release() => _scratch.Return(_memory);

    private static int RowBytes(int pixels) => ((pixels * 4) + 63) & ~63;

    private byte* Ring(int storedRow) => _memory.Pointer + ((nint)(storedRow % _across.Taps) * _rowBytes);

    private void Gather(int line)
    {
        var sources = (byte**)(Lines + ((nint)GroupRows * _stride) + HorizontalPass.Slack);
        for (var tap = 0; tap < _across.Counts[line]; tap++)
            sources[tap] = Ring(_across.Starts[line] + tap);
        VerticalPass.Run(sources, _across, line, Gathered + ((nint)_grouped * _rowBytes), (_along.End - _along.First) * 4, _path);
        _group[_grouped++] = line;
        if (_grouped == GroupRows)
            Complete();
    }
}
