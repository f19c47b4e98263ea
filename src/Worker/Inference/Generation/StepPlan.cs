namespace VlWorker.Inference.Generation;

/// <summary>What the next step does with which rows.</summary>
internal sealed class StepPlan(int capacity)
{
    private readonly int[] _next = new int[capacity];
    private readonly int[] _continues = new int[capacity];
    private readonly int[] _tokens = new int[capacity];
    private readonly int[] _parents = new int[capacity];
    private readonly int[] _images = new int[capacity];

    public int Rows { get; private set; }

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Rows);

    public ReadOnlySpan<int> Parents => _parents.AsSpan(0, Rows);

    public ReadOnlySpan<int> Images => _images.AsSpan(0, Rows);

    public Span<int> Next(int offset, int width) => _next.AsSpan(offset, width);

    public Span<int> Continues(int offset, int width) => _continues.AsSpan(offset, width);

    public void Clear() => Rows = 0;

    /// <summary>Lets the search at some place go on.</summary>
    public void Take(int place, int width, int rowsEach)
    {
        for (var beam = 0; beam < width; beam++)
        {
            _tokens[Rows] = _next[(place * width) + beam];
            // After the first step a search has one row for all its beams.
            _parents[Rows] = (place * rowsEach) + (rowsEach == 1 ? 0 : _continues[(place * width) + beam]);
            _images[Rows++] = (place * rowsEach) + (rowsEach == 1 ? 0 : beam);
        }
    }
}
