namespace VlWorker.ModelKit.Exports;

/// <summary>Finds the rotation of queries and keys by their positions: x * cos + (second half of x, negated; first half) * sin.</summary>
internal static class RotaryReader
{
    /// <summary>What a sum rotates, but for its shape; null if it is no rotation.</summary>
    public static string? Rotated(ExportedGraph graph, GraphNode sum)
    {
        if (graph.Origin(sum.Input(0)) is not { Op: "Mul" } straight || graph.Origin(sum.Input(1)) is not { Op: "Mul" } turned)
            return null;
        for (var side = 0; side < 2; side++)
        {
            if (graph.Origin(turned.Input(side)) is not { Op: "Concat", Inputs.Count: 2 } halves
                || graph.Origin(halves.Input(0)) is not { Op: "Neg" } negated || graph.Origin(negated.Input(0)) is not { Op: "Slice" } second
                || graph.Origin(halves.Input(1)) is not { Op: "Slice" } first)
                continue;
            var value = graph.Skip(first.Input(0));
            if (graph.Skip(second.Input(0)) == value && straight.Inputs.Any(input => graph.Skip(input) == value))
                return value;
        }

        return null;
    }
}
