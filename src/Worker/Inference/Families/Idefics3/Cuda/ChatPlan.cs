using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// Steps of batches that a cache has room for. A step reads its lengths on the GPU, so that one recording a batch size does for all steps. Tokens and
/// log-probabilities come to the host, a few steps' at a time. One lane's.
/// </summary>
internal sealed class ChatPlan : IDisposable
{
    // The host looks at a step while the next one runs.
    private const int Slots = 4;

    // Steps that run kernel by kernel before a size is recorded: the first chooses kernels and takes memory.
    private const int PlainSteps = 2;

    // A small batch's steps are shorter than it takes to wake a thread.
    private const int SmallBatch = 8;

    private readonly CudaSession _session;
    private readonly CudaStream _stream;
    private readonly ChatShapes _shapes;
    private readonly bool _record;
    private readonly PinnedBuffer _host;
    private readonly long _slotBytes;
    private readonly long _probabilities;
    private readonly CudaEvent[] _sleeping;
    private readonly CudaEvent[] _spinning;
    private readonly Dictionary<int, CudaGraphExec> _recorded = [];
    private readonly Dictionary<int, int> _plainSteps = [];

    /// <param name="session">The step.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the graphs.</param>
    /// <param name="memory">Becomes this plan's.</param>
    /// <param name="record">Whether steps are recorded.</param>
    public ChatPlan(CudaSession session, CudaStream stream, ChatShapes shapes, ChatMemory memory, bool record)
    {
        (_session, _stream, _shapes, Memory, _record) = (session, stream, shapes, memory, record);
        _probabilities = (long)memory.Rows * sizeof(long);
        _slotBytes = _probabilities + (memory.Rows * sizeof(float));
        // The last number is the cache's length, above which no row's can be.
        _host = new PinnedBuffer((Slots * _slotBytes) + sizeof(long));
        _host.Span<int>(Slots * _slotBytes, 1)[0] = memory.Capacity;
        _sleeping = [.. Enumerable.Range(0, Slots).Select(static _ => new CudaEvent(false))];
        _spinning = [.. Enumerable.Range(0, Slots).Select(static _ => new CudaEvent(true))];
    }

    /// <summary>Keys, values and lengths.</summary>
    public ChatMemory Memory { get; }

    /// <summary>Queues a step.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="recordable">Whether batches of this size come again.</param>
    public void Queue(int rows, bool recordable)
    {
        if (_record && recordable && !_recorded.ContainsKey(rows) && (_plainSteps[rows] = _plainSteps.GetValueOrDefault(rows) + 1) > PlainSteps)
            Record(rows);
        if (_recorded.ContainsKey(rows))
            Launch(rows);
        else
            QueuePlain(rows);
    }

    /// <summary>Queues the last choices' way to the host.</summary>
    /// <param name="number">Counts up from one fetch to the next.</param>
    /// <param name="first">The first place.</param>
    /// <param name="rows">Places.</param>
    public void Fetch(int number, int first, int rows)
    {
        var slot = _host.Pointer + (nint)(number % Slots * _slotBytes);
        var (ids, probabilities) = ((nint)first * sizeof(long), (nint)(first * _shapes.Size));
        _stream.CopyToHost(slot + ids, Memory.Ids.Pointer + ids, (long)rows * sizeof(long));
        _stream.CopyToHost(slot + (nint)_probabilities + probabilities, Memory.Probabilities.Pointer + probabilities, rows * _shapes.Size);
        Mark(rows, number).Record(_stream);
    }

    /// <summary>Waits until a fetch's choices have come.</summary>
    public void Wait(int number, int rows) => Mark(rows, number).Wait();

    /// <summary>A choice of a fetch, once it was waited for and until the next few are queued.</summary>
    public (int Token, float LogProbability) Read(int number, int place)
    {
        var slot = number % Slots * _slotBytes;
        var offset = slot + _probabilities + (place * _shapes.Size);
        return (
            (int)_host.Span<long>(slot + ((long)place * sizeof(long)), 1)[0],
            _shapes.Type == TensorElementType.Float ? _host.Span<float>(offset, 1)[0] : (float)_host.Span<Half>(offset, 1)[0]);
    }

    /// <summary>Queues a step whose choice is the host's: tokens and lengths were copied over before.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="logits">Receives [rows, columns].</param>
    public void QueueForLogits(int rows, nint logits)
    {
        using var binding = Bind(rows);
        binding.Output(CaptionerNames.Logits, logits, _shapes.Type, rows, _shapes.Columns);
        binding.Queue();
    }

    /// <summary>Queues a recorded step.</summary>
    public void Launch(int rows) => _recorded[rows].Launch(_stream);

    /// <summary>Queues a step kernel by kernel.</summary>
    public void QueuePlain(int rows)
    {
        using var binding = Bind(rows);
        Queue(binding, rows);
    }

    /// <summary>Records a step of a batch size, whose kernels must have run before.</summary>
    public void Record(int rows)
    {
        using var binding = Bind(rows);
        _recorded.Add(rows, _stream.Capture(() => Queue(binding, rows)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _recorded.Values)
            graph.Dispose();
        foreach (var mark in _sleeping.Concat(_spinning))
            mark.Dispose();
        _host.Dispose();
        Memory.Dispose();
    }

    private void Queue(CudaBinding binding, int rows)
    {
        binding.Queue();
        _stream.CopyOnDevice(Memory.Lengths.Pointer, Memory.NextLengths.Pointer, (long)rows * sizeof(int));
    }

    private CudaBinding Bind(int rows)
    {
        var binding = _session.Bind();
        binding.Input(CaptionerNames.Ids, Memory.Ids.Pointer, TensorElementType.Int64, rows, 1);
        binding.Input(ChatNames.PastLengths, Memory.Lengths.Pointer, TensorElementType.Int32, rows);
        binding.HostInput(ChatNames.TotalLength, _host.Pointer + (nint)(Slots * _slotBytes), TensorElementType.Int32);
        Memory.Bind(binding, 0, rows);
        binding.Output(CaptionerNames.NextIds, Memory.Ids.Pointer, TensorElementType.Int64, rows, 1);
        binding.Output(CaptionerNames.LogProbability, Memory.Probabilities.Pointer, _shapes.Type, rows, 1);
        binding.Output(ChatNames.NextLengths, Memory.NextLengths.Pointer, TensorElementType.Int32, rows);
        return binding;
    }

    private CudaEvent Mark(int rows, int number) => (rows <= SmallBatch ? _spinning : _sleeping)[number % Slots];
}
