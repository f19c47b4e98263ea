using VlWorker.Failures;
using VlWorker.Inference.Cuda;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A lane's plan: the one that was prepared, and where a batch needs more rows or positions, a larger one in its place. Owns it.</summary>
/// <param name="step">The step; stays the lane's.</param>
/// <param name="stream">The lane's.</param>
/// <param name="shapes">Of the graphs.</param>
/// <param name="settings">How they run.</param>
/// <param name="context">Positions of a row at most.</param>
internal sealed class ChatPlans(CudaSession step, CudaStream stream, ChatShapes shapes, CudaSettings settings, int context) : IDisposable
{
    // Answers of different lengths share a plan.
    private const int Multiple = 128;

    private ChatPlan? _plan;

    /// <summary>A plan with room for a batch.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="positions">Positions of a row.</param>
    /// <exception cref="OutOfDeviceMemoryException">There is no room for it.</exception>
    public ChatPlan Find(int rows, int positions)
    {
        var capacity = Math.Min(context, (positions + Multiple - 1) / Multiple * Multiple);
        if (_plan is { Memory: var memory } && memory.Rows >= rows && memory.Capacity >= capacity)
            return _plan;
        var (oldRows, oldCapacity) = (_plan?.Memory.Rows ?? 0, _plan?.Memory.Capacity ?? 0);
        stream.Synchronize();
        Dispose();
        try
        {
            return _plan = Make(Math.Max(rows, oldRows), Math.Max(capacity, oldCapacity));
        }
        catch (OutOfDeviceMemoryException) when (oldRows > rows || oldCapacity > capacity)
        {
            return _plan = Make(rows, capacity);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _plan?.Dispose();
        _plan = null;
    }

    private ChatPlan Make(int rows, int capacity)
    {
        var memory = new ChatMemory(shapes, stream, rows, capacity);
        try
        {
            return new ChatPlan(step, stream, shapes, memory, settings.Record);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }
}
