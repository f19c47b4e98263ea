namespace VlWorker.ModelKit.Exports;

/// <summary>
/// Thirds of a constant that holds three layers one below the other, as torch.nn.MultiheadAttention keeps them: exporters slice it at bounds that
/// the graph computes from a width in a shape, which is a third of its rows.
/// </summary>
internal sealed class PackedSlices(ExportedGraph graph)
{
    private const int Deepest = 12;

    /// <summary>Some rows of such a constant; null if the value is none.</summary>
    public Folded? Find(string value)
    {
        if (graph.Origin(value) is not { Op: "Slice" } slice || graph.Constants.Find(slice.Input(0)) is not { Dims: [var rows, ..] } packed || rows % 3 != 0
            || (graph.Constants.Integers(slice.Input(3)) ?? [0]) is not [0])
            return null;
        if (Number(slice.Input(1), rows / 3, Deepest) is not { } first || Number(slice.Input(2), rows / 3, Deepest) is not { } given)
            return null;
        var last = Math.Min(given, rows);
        if (first < 0 || first >= last)
            return null;
        var width = (int)(packed.Count / rows);
        return new Folded([last - first, .. packed.Dims.Skip(1)], () => packed.Read().AsSpan((int)first * width, (int)(last - first) * width).ToArray());
    }

    private long? Number(string value, long width, int depth)
    {
        var at = graph.Skip(value);
        if (graph.Constants.Integers(at) is { } constant)
            return constant is [var only] ? only : null;
        if (depth == 0 || graph.Producer(at) is not { } node)
            return null;
        if (node.Op is "Slice" or "Gather")
            return graph.Origin(node.Input(0)) is { Op: "Shape" } && graph.Constants.Integers(node.Input(1)) is [-1 or 2] ? width : null;
        if (node.Op is not ("Add" or "Mul"))
            return null;
        var (left, right) = (Number(node.Input(0), width, depth - 1), Number(node.Input(1), width, depth - 1));
        return node.Op == "Add" ? left + right : left * right;
    }
}
