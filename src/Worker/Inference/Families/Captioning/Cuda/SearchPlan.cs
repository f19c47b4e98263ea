using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>The steps of a search for batches of some sizes, recorded where that was asked for; each step's results come to the host by themselves. One lane's.</summary>
internal abstract class SearchPlan : IDisposable
{
    private readonly Dictionary<(BatchShape Shape, int Step), CudaGraphExec> _recorded = [];
    private readonly RecurringShapes<BatchShape> _recurring = new();
    private readonly CudaEvent[] _sleeping;
    private readonly CudaEvent[] _spinning;
    private readonly GivenTokens _given;
    private readonly PinnedBuffer _givenTokens;
    private readonly NgramHistory? _history;

    // A small batch's steps are shorter than it takes to wake a thread.
    private const int SmallBatch = 8;

    protected SearchPlan(CaptionShapes shapes, CudaStream stream, StepMemory memory, int capacity, int beams)
    {
        (Stream, Memory, Capacity, Beams) = (stream, memory, capacity, beams);
        _sleeping = [.. Enumerable.Range(0, memory.Length).Select(_ => new CudaEvent(false))];
        _spinning = [.. Enumerable.Range(0, memory.Length).Select(_ => new CudaEvent(true))];
        _given = new GivenTokens(capacity, beams, memory.Length);
        _givenTokens = new PinnedBuffer((long)_given.Size * sizeof(long));
        _history = NgramHistory.Of(shapes, stream, capacity, beams, memory.Length);
    }

    /// <summary>Positions at most.</summary>
    public int Length => Memory.Length;

    /// <summary>Images at most.</summary>
    public int Capacity { get; }

    /// <summary>Rows of an image.</summary>
    public int Beams { get; }

    /// <summary>Positions of what is read of the images, in the batch at hand.</summary>
    public int CrossPositions
    {
        get => Memory.CrossPositions;
        set => Memory.CrossPositions = value;
    }

    protected CudaStream Stream { get; }

    protected StepMemory Memory { get; }

    /// <summary>Takes what a batch's rows are given; the steps of the batch before must have run. See <see cref="GivenTokens.Write"/> for their order.</summary>
    public void Begin(ReadOnlySpan<RowRequest> rows, GenerationTokens tokens)
    {
        _given.Write(rows, tokens, _givenTokens.Span<long>(0, _given.Size));
        _history?.Write(rows);
    }

    /// <summary>Queues a step.</summary>
    /// <param name="size">Images of the batch.</param>
    /// <param name="step">Its number.</param>
    public void Queue(int size, int step)
    {
        if (_recorded.TryGetValue((Shape(size), step), out var recorded))
            recorded.Launch(Stream);
        else
            QueuePlain(size, step);
        Mark(size, step).Record(Stream);
        if (_given.Images(step) is > 0 and var images)
            Replace(_givenTokens.Pointer + (_given.Offset(step) * sizeof(long)), images);
    }

    /// <summary>Records the steps of a batch size that keeps coming but was not prepared at the start, such as with other numbers of beams or positions.</summary>
    public void RecordIfUsed(int size, int steps)
    {
        if (!_recorded.ContainsKey((Shape(size), 0)) && _recurring.IsDue(Shape(size)))
            Record(size, steps);
    }

    /// <summary>Waits until a step's results have come.</summary>
    public void Wait(int size, int step) => Mark(size, step).Wait();

    /// <summary>Queues a step kernel by kernel.</summary>
    public void QueuePlain(int size, int step)
    {
        using var binding = BindAll(size, step);
        binding.Queue();
        Fetch(size, step);
    }

    /// <summary>Queues a step whose choice is the host's: what it chooses itself is not looked at.</summary>
    /// <param name="size">Images of the batch.</param>
    /// <param name="step">Its number.</param>
    /// <param name="host">Tokens and, of beams, histories from the host; receives the logits.</param>
    public void QueueForLogits(int size, int step, HostChoice host)
    {
        using var binding = BindAll(size, step);
        binding.Input(CaptionerNames.Ids, host.Ids.Pointer, TensorElementType.Int64, size, Beams);
        if (Beams > 1)
            binding.Input(CaptionerNames.Indirection, host.Indirection.Pointer, TensorElementType.Int32, size, Beams, Length);
        binding.Output(CaptionerNames.Logits, host.Logits.Pointer, host.Type, size * Beams, host.Columns);
        binding.Queue();
    }

    /// <summary>Records the first steps of a batch of some size, whose kernels must have run before.</summary>
    public void Record(int size, int steps)
    {
        for (var step = 0; step < Math.Min(steps, Length); step++)
        {
            if (_recorded.ContainsKey((Shape(size), step)))
                continue;
            using var binding = BindAll(size, step);
            _recorded.Add((Shape(size), step), Stream.Capture(() =>
            {
                binding.Queue();
                Fetch(size, step);
            }));
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        foreach (var graph in _recorded.Values)
            graph.Dispose();
        foreach (var mark in _sleeping.Concat(_spinning))
            mark.Dispose();
        _givenTokens.Dispose();
        _history?.Dispose();
        Memory.Dispose();
    }

    /// <summary>Binds what a kind of search has of its own in a step.</summary>
    protected abstract CudaBinding Bind(int size, int step);

    /// <summary>Queues that the first images go on from given tokens, all their beams alike, and not from those that were chosen.</summary>
    protected abstract void Replace(nint tokens, int images);

    /// <summary>Queues the copies of a step's results to the host.</summary>
    protected abstract void Fetch(int size, int step);

    private BatchShape Shape(int size) => new(size, CrossPositions);

    private CudaBinding BindAll(int size, int step)
    {
        var binding = Bind(size, step);
        Memory.Bind(binding, step, size, Beams);
        _history?.Bind(binding, size);
        if (_history is not null || Beams > 1)
            binding.Input(CaptionerNames.CachePositions, Memory.Positions, TensorElementType.Int64, Length);
        return binding;
    }

    private CudaEvent Mark(int size, int step) => (size <= SmallBatch ? _spinning : _sleeping)[step];
}
