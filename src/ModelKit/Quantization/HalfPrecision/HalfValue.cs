using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>A 32-bit float of the original graph: under which names it can be had in 16 and in 32 bits.</summary>
internal sealed class HalfValue
{
    /// <summary>Its name in 32 bits; null while it has none.</summary>
    public string? Full { get; set; }

    /// <summary>Its name in 16 bits; null while it has none.</summary>
    public string? Half { get; set; }

    /// <summary>Its content, where it is a constant.</summary>
    public ScopedConstant? Constant { get; init; }

    /// <summary>The name in the precision asked for; null while it has none.</summary>
    public string? In(bool half) => half ? Half : Full;
}

/// <summary>The floats of one graph, and of the graphs around it.</summary>
internal sealed class HalfScope(HalfScope? parent)
{
    private readonly Dictionary<string, HalfValue> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Value, bool Half), string> _casts = [];

    /// <summary>The nodes of the graph as it will be.</summary>
    public List<NodeProto> Nodes { get; } = [];

    /// <summary>Adds a float.</summary>
    public void Add(string name, HalfValue value) => _values[name] = value;

    /// <summary>Finds a float by its name in the original graph; null for what is none.</summary>
    public HalfValue? Find(string name) => _values.GetValueOrDefault(name) ?? parent?.Find(name);

    /// <summary>A cast made earlier in this graph or around it.</summary>
    public string? Cast(string name, bool half) => _casts.GetValueOrDefault((name, half)) ?? parent?.Cast(name, half);

    /// <summary>Notes a cast made in this graph.</summary>
    public void NoteCast(string name, bool half, string cast) => _casts[(name, half)] = cast;
}
