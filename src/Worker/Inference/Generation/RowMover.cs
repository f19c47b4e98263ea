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

    /// <summary>Moves rows: within their buffer where that overwrites nothing still wanted, else into the spare one, which then is theirs.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="spare">Another buffer; grows as needed.</param>
    /// <param name="rowBytes">Bytes a row.</param>
    /// <param name="sources">Old rows of the new ones.</param>
    public static void Move(ref TensorBuffer rows, ref TensorBuffer spare, long rowBytes, ReadOnlySpan<int> sources)
    {
        if (IsCompaction(sources))
        {
            Compact(rows, rowBytes, sources);
            return;
        }

        spare.Reserve(rowBytes * sources.Length);
        for (var i = 0; i < sources.Length; i++)
            spare.CopyFrom(rows, sources[i] * rowBytes, i * rowBytes, rowBytes);
        (rows, spare) = (spare, rows);
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

    // Whether copying in ascending order overwrites nothing that is still wanted.
    private static bool IsCompaction(ReadOnlySpan<int> sources)
    {
        for (var i = 0; i < sources.Length; i++)
        {
            if (sources[i] < i)
                return false;
        }

        return true;
    }
}
