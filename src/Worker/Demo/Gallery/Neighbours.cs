using System.Numerics.Tensors;

namespace VlWorker.Demo.Gallery;

/// <summary>Exact nearest neighbours by cosine, which for L2-normalised embeddings is the dot product.</summary>
internal static class Neighbours
{
    /// <summary>For each row the indices of the <paramref name="count"/> most similar other rows, most similar first; ties by index.</summary>
    /// <param name="rows">Embeddings of equal length; a null row has no neighbours and is none.</param>
    /// <param name="count">Neighbours a row at most.</param>
    /// <param name="cancellation">Stops the search.</param>
    public static int[][] Find(IReadOnlyList<float[]?> rows, int count, CancellationToken cancellation = default)
    {
        var found = new int[rows.Count][];
        var options = new ParallelOptions { CancellationToken = cancellation };
        Parallel.For(0, rows.Count, options, i => found[i] = rows[i] is { } row ? Nearest(rows, row, i, count) : []);
        return found;
    }

    private static int[] Nearest(IReadOnlyList<float[]?> rows, float[] row, int self, int count)
    {
        // The least similar of the best so far is on top; of two equal ones the later index is the lesser.
        var best = new PriorityQueue<int, (float Similarity, int Reversed)>(count + 1);
        for (var i = 0; i < rows.Count; i++)
        {
            if (i == self || rows[i] is not { } other || other.Length != row.Length)
                continue;
            var similarity = TensorPrimitives.Dot<float>(row, other);
            if (best.Count < count)
                best.Enqueue(i, (similarity, -i));
            else if (best.TryPeek(out _, out var least) && similarity > least.Similarity)
                best.EnqueueDequeue(i, (similarity, -i));
        }

        var result = new int[best.Count];
        for (var i = result.Length - 1; i >= 0; i--)
            result[i] = best.Dequeue();
        return result;
    }
}
