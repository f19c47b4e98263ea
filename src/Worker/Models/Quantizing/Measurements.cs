using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.Models.Quantizing;

/// <summary>What calibration saw of the values of each graph.</summary>
internal sealed class Measurements
{
    private readonly Dictionary<string, Dictionary<string, ValueRange>> _graphs = new(StringComparer.Ordinal);

    /// <summary>The values of a graph; empty if it never ran.</summary>
    public IReadOnlyDictionary<string, ValueRange> Of(string graph) => _graphs.GetValueOrDefault(graph) ?? [];

    /// <summary>Adds what one run saw; the worst of all runs counts.</summary>
    public void Add(string graph, string value, ValueRange range)
    {
        if (!_graphs.TryGetValue(graph, out var values))
            _graphs.Add(graph, values = new Dictionary<string, ValueRange>(StringComparer.Ordinal));
        values[value] = values.TryGetValue(value, out var known) ? known.Or(range) : range;
    }
}
