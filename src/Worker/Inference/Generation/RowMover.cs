using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>Rearranges the rows of a tensor: new row i is old row sources[i].</summary>
internal static class RowMover
{
    /// <summary>Whether nothing would move.</summary>
    public static bool IsIdentity(ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] != i)
                return false;
        }

        return true;
    }

    /// <summary>Whether copying in ascending order overwrites nothing that is still wanted.</summary>
    public static bool IsCompaction(ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] < i)
                return false;
        }

        return true;
    }

    /// <summary>Moves rows within a buffer.</summary>
    /// <param name="buffer">The rows.</param>
    /// <param name="rowBytes">Bytes a row.</param>
    /// <param name="sources">Old rows of the new ones: a compaction.</param>
    public static void Compact(TensorBuffer buffer, long rowBytes, ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] != i)
                buffer.CopyFrom(buffer, sources[i] * rowBytes, i * rowBytes, rowBytes);
        }
    }

    /// <summary>Copies rows into another buffer.</summary>
    public static void Gather(TensorBuffer from, TensorBuffer to, long rowBytes, ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
            to.CopyFrom(from, sources[i] * rowBytes, i * rowBytes, rowBytes);
    }
}
