using System.Collections.Concurrent;

namespace VlWorker.Inference.Engine;

/// <summary>Objects with memory of their own that are used again. There are as many as were ever in use at the same time.</summary>
/// <param name="make">Makes one.</param>
internal sealed class ObjectPool<T>(Func<T> make) : IDisposable
    where T : class, IDisposable
{
    private readonly ConcurrentStack<T> _free = new();

    /// <summary>Takes one; the caller gives it back.</summary>
    public T Rent() => _free.TryPop(out var item) ? item : make();

    /// <summary>Gives one back.</summary>
    public void Return(T item) => _free.Push(item);

    /// <summary>Disposes of those that are not in use.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out var item))
            item.Dispose();
    }
}
