namespace VlWorker.Decoding.Resampling;

/// <summary>Shortens each stored row as it comes; after the last one, resamples across the short rows.</summary>
internal sealed unsafe class AlongFirstResampler : PlanResampler
{
    private readonly ResampleTable _along;
    private readonly ResampleTable _across;
    private readonly DecoderScratch _scratch;
    private readonly KernelPath _path;
    private readonly PixelMemory _memory;
    private readonly int _stride;
    private int _next;

    public AlongFirstResampler(ResampleSetup setup, DecoderScratch scratch, KernelPath path)
        : base(setup)
    {
        (_along, _across, _scratch, _path) = (setup.Along, setup.Across, scratch, path);
        _stride = HorizontalPass.RowStride(_along.Outputs);
        _memory = scratch.Rent(MemoryBytes(_across.End - _across.First, _across.Taps, _along.Outputs));
    }

    // The memory: short rows, then one finished line, then pointers to the rows of a line.
    private byte* Line => _memory.Pointer + ((nint)(_across.End - _across.First) * _stride);

    /// <summary>Working memory for so many stored rows, of which so many make a line.</summary>
    public static long MemoryBytes(int rows, int taps, int outputs) =>
        ((rows + 1L) * HorizontalPass.RowStride(outputs)) + HorizontalPass.Slack + ((long)taps * sizeof(byte*));

    public override void Accept(byte* rows, nint stride, int count)
    {
        var first = Math.Max(_next, _across.First);
        var end = Math.Min(_next + count, _across.End);
        if (first < end)
        {
            HorizontalPass.Run(
                rows + ((first - _next) * stride), stride, end - first, _along,
                _memory.Pointer + ((nint)(first - _across.First) * _stride), _stride, _path);
        }

        _next += count;
    }

    protected override void Complete()
    {
        var sources = (byte**)(Line + _stride + HorizontalPass.Slack);
        for (var line = 0; line < _across.Outputs; line++)
        {
            var source = _memory.Pointer + ((nint)(_across.Starts[line] - _across.First) * _stride);
            for (var tap = 0; tap < _across.Counts[line]; tap++, source += _stride)
                sources[tap] = source;
            VerticalPass.Run(sources, _across, line, Line, _along.Outputs * 3, _path);
            Place(Line, line);
        }
    }

    protected override void Release() => _scratch.Return(_memory);
}
