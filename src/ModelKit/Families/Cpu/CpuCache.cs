using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>
/// A decoder's keys and values of the positions before, to which a step adds its own in place. Declares int32 <c>past_lengths</c> [rows] and
/// <c>total_length</c> [], and for each block N that attends <c>past.N.key</c> and <c>.value</c> [rows, heads, capacity, size].
/// </summary>
/// <param name="graph">The graph.</param>
internal sealed class CpuCache(GraphBuilder graph)
{
    private readonly string _pastLengths = graph.Input("past_lengths", ElementType.Int32, "rows");
    private readonly string _totalLength = graph.Input("total_length", ElementType.Int32);
    private readonly List<(string Value, string Name, int Heads, int Size)> _present = [];

    /// <summary>A block's attention to its own position and those before.</summary>
    /// <param name="packed">Queries, keys and values side by side, of heads as wide as <paramref name="padded"/>.</param>
    /// <param name="index">The block.</param>
    /// <param name="heads">Heads of queries.</param>
    /// <param name="keyHeads">Heads of keys and values.</param>
    /// <param name="size">Width of a head.</param>
    /// <param name="padded">Its width in the cache.</param>
    /// <param name="rotary">Cosines and sines by which queries and keys are turned; empty where they are not.</param>
    public string Attend(string packed, int index, int heads, int keyHeads, int size, int padded, params string[] rotary)
    {
        string Past(string what) => graph.Input($"past.{index}.{what}", ElementType.Float, "rows", keyHeads, "capacity", padded);
        (string, object)[] attributes = [("num_heads", heads), ("kv_num_heads", keyHeads), ("scale", 1 / MathF.Sqrt(size))];
        var outputs = graph.Nodes(
            "GroupQueryAttention", GraphBuilder.MicrosoftDomain, [packed, "", "", Past("key"), Past("value"), _pastLengths, _totalLength, .. rotary],
            [true, true, true], rotary.Length == 0 ? attributes : [.. attributes, ("do_rotary", 1)]);
        _present.Add((outputs[1], $"present.{index}.key", keyHeads, padded));
        _present.Add((outputs[2], $"present.{index}.value", keyHeads, padded));
        return outputs[0];
    }

    /// <summary>Declares the outputs, <c>present.N.key</c> and <c>.value</c>.</summary>
    public void Output()
    {
        foreach (var (value, name, heads, size) in _present)
            graph.Output(value, name, ElementType.Float, "rows", heads, "capacity", size);
    }
}
