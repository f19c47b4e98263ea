using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>The end of a decoder as exporters write it: the layer that makes scores of its states.</summary>
internal static class HeadExport
{
    private const string Logits = "logits";

    /// <summary>Finds the head.</summary>
    /// <exception cref="InvalidDataException">There is none, or its sizes differ from config.json; the message names the node.</exception>
    public static LinearMatch Find(ExportedGraph graph, LinearReader linears, int width, int vocabulary)
    {
        var logits = graph.Output(Logits);
        var head = linears.Find(logits) ?? throw graph.NotUnderstood(logits, "the head");
        return head.Inputs == width && head.Outputs == vocabulary
            ? head : throw graph.NotUnderstood(logits, $"a head from {width} to {vocabulary} (config.json)");
    }

    /// <summary>The states of all positions: some exporters take the last one before the head.</summary>
    public static string AllPositions(ExportedGraph graph, string value) =>
        graph.Origin(value) is { Op: "Gather" or "Slice" } node ? node.Input(0) : value;

    /// <summary>The head's matrix, [V, D]; null where it is the table of tokens.</summary>
    /// <exception cref="InvalidDataException">The head has a bias.</exception>
    public static Matrix? Untied(ExportedGraph graph, LinearMatch head, Matrix tokens) => head.Read() is { Bias: null } linear
        ? linear.Weight.Transpose().OtherThan(tokens) : throw graph.NotUnderstood(graph.Output(Logits), "a head without bias");
}
