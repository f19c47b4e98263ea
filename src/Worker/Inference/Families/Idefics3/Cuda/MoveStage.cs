using VlWorker.Inference.Cuda;
using VlWorker.Inference.Cuda.Kernels;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>Moves rows of a cache into other places, all of them in one kernel. One lane's.</summary>
internal sealed class MoveStage : IDisposable
{
    private const int Threads = 256;
    private const int VectorBytes = 16;
    private const int Numbers = 3;

    private readonly CudaStream _stream;
    private readonly DeviceFunction _function;
    private readonly int _heads;
    private readonly PinnedBuffer _host;
    private readonly DeviceBuffer _moves;
    private readonly CudaEvent _copied;
    private readonly Stack<IDisposable> _parts = new();

    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the graphs.</param>
    /// <param name="most">Places of which one is moved to or emptied at a time, at most.</param>
    /// <exception cref="InvalidDataException">The decoder's blocks are not alike, or a head's keys are no whole number of 16 bytes.</exception>
    public MoveStage(CudaStream stream, ChatShapes shapes, int most)
    {
        var (heads, size) = shapes.Layers[0];
        if (shapes.Layers.Any(layer => layer != (heads, size)) || size * shapes.Size % VectorBytes != 0)
            throw new InvalidDataException("the decoder's blocks have keys of several sizes, or their heads are no multiple of 16 bytes wide");
        (_stream, _heads) = (stream, 2 * shapes.Layers.Count * heads);
        try
        {
            _parts.Push(_function = new DeviceFunction(
                "move_rows", 0, ("HEADS", DeviceFunction.Text(heads)), ("VECTORS", DeviceFunction.Text((int)(size * shapes.Size / VectorBytes)))));
            _parts.Push(_host = new PinnedBuffer((long)most * Numbers * sizeof(int)));
            _parts.Push(_moves = new DeviceBuffer(_host.Bytes));
            _parts.Push(_copied = new CudaEvent(false));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Queues moves, of which no two have a place in common.</summary>
    public void Queue(ChatMemory memory, IReadOnlyList<RowMove> moves)
    {
        if (moves.Count == 0)
            return;
        // The last ones may be on their way yet.
        _copied.Wait();
        var numbers = _host.Span<int>(0, moves.Count * Numbers);
        for (var i = 0; i < moves.Count; i++)
            (numbers[i * Numbers], numbers[(i * Numbers) + 1], numbers[(i * Numbers) + 2]) = (moves[i].From, moves[i].To, moves[i].Positions);
        _stream.CopyToDevice(_moves.Pointer, _host.Pointer, (long)numbers.Length * sizeof(int));
        _copied.Record(_stream);
        _function.Launch(
            _stream.Handle, (_heads, moves.Count, 1), Threads, (ulong)memory.Caches.Pointer, (ulong)_moves.Pointer, (ulong)memory.Ids.Pointer,
            (ulong)memory.Lengths.Pointer, (ulong)memory.Capacity);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_parts.TryPop(out var part))
            part.Dispose();
    }
}
