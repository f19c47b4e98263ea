namespace VlWorker.ModelKit.Exports;

/// <summary>What operators on shapes make of a constant.</summary>
internal static class ShapeFolding
{
    /// <summary>Reshape, Squeeze, Unsqueeze and Flatten.</summary>
    /// <param name="node">The operator.</param>
    /// <param name="source">Its first input.</param>
    /// <param name="integers">Reads its second input.</param>
    /// <returns>Null if the new shape is not constant.</returns>
    public static Folded? Reshape(GraphNode node, Folded source, Func<string, long[]?> integers)
    {
        var list = node.Integers("axes") ?? (node.Input(1).Length > 0 ? integers(node.Input(1)) : []);
        return node.Op switch
        {
            "Flatten" => Flatten(source, node.Integer("axis", 1)),
            _ when list is null => null,
            "Squeeze" => source.WithDims([.. source.Dims.Where((size, axis) =>
                size != 1 || (list.Length > 0 && !list.Contains(axis) && !list.Contains(axis - source.Dims.Length)))]),
            "Unsqueeze" => Unsqueeze(source, list),
            _ => Explicit(source, list),
        };
    }

    /// <summary>Exchanges axes.</summary>
    /// <param name="source">The constant.</param>
    /// <param name="permutation">For each new axis the old one; null reverses them.</param>
    public static Folded? Transpose(Folded source, long[]? permutation)
    {
        var rank = source.Dims.Length;
        var order = permutation ?? [.. Enumerable.Range(0, rank).Reverse().Select(static axis => (long)axis)];
        if (order.Length != rank || order.Any(axis => axis < 0 || axis >= rank))
            return null;
        long[] dims = [.. order.Select(axis => source.Dims[axis])];
        if (rank == 2)
            return new Folded(dims, () => order[0] == 0 ? source.Read() : source.ToMatrix().Transpose().Values);
        return new Folded(dims, () =>
        {
            var strides = new long[rank];
            for (var (axis, stride) = (rank - 1, 1L); axis >= 0; stride *= source.Dims[axis--])
                strides[axis] = stride;
            var values = source.Read();
            var result = new float[values.Length];
            for (long i = 0; i < result.Length; i++)
            {
                long from = 0;
                for (var (axis, rest) = (rank - 1, i); axis >= 0; rest /= dims[axis--])
                    from += rest % dims[axis] * strides[order[axis]];
                result[i] = values[from];
            }

            return result;
        });
    }

    /// <summary>Takes entries of the first axis.</summary>
    /// <returns>Null if an index is out of range.</returns>
    public static Folded? Rows(Folded table, long[] rows, long[] shape)
    {
        if (table.Dims.Length == 0 || rows.Any(row => row >= table.Dims[0] || row < -table.Dims[0]))
            return null;
        var width = (int)(table.Count / Math.Max(1, table.Dims[0]));
        return new Folded([.. shape, .. table.Dims[1..]], () =>
        {
            var values = table.Read();
            var result = new float[rows.Length * width];
            for (var i = 0; i < rows.Length; i++)
                values.AsSpan((int)((rows[i] + table.Dims[0]) % table.Dims[0]) * width, width).CopyTo(result.AsSpan(i * width));
            return result;
        });
    }

    private static Folded Flatten(Folded source, long axis)
    {
        var first = source.Dims.Take((int)(axis < 0 ? axis + source.Dims.Length : axis)).Aggregate(1L, static (product, size) => product * size);
        return source.WithDims(first, source.Count / Math.Max(1, first));
    }

    private static Folded Unsqueeze(Folded source, long[] axes)
    {
        var rank = source.Dims.Length + axes.Length;
        var at = axes.Select(axis => axis < 0 ? axis + rank : axis).ToHashSet();
        var dims = new List<long>(rank);
        for (var (axis, next) = (0, 0); axis < rank; axis++)
            dims.Add(at.Contains(axis) || next == source.Dims.Length ? 1 : source.Dims[next++]);
        return source.WithDims([.. dims]);
    }

    private static Folded? Explicit(Folded source, long[] shape)
    {
        long[] dims = [.. shape.Select((size, axis) => size == 0 && axis < source.Dims.Length ? source.Dims[axis] : size)];
        var known = dims.Where(static size => size != -1).Aggregate(1L, static (product, size) => product * size);
        if (Array.IndexOf(dims, -1L) is >= 0 and var free && known > 0)
            dims[free] = source.Count / known;
        return dims.Aggregate(1L, static (product, size) => product * size) == source.Count ? source.WithDims(dims) : null;
    }
}
