using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Models.Quantizing;

/// <summary>A model's graphs with probes, which run on what the model's own graphs get. Owns them.</summary>
/// <param name="source">The model's folder.</param>
/// <param name="measurements">Takes the ranges.</param>
internal sealed class MeasuredGraphs(ModelFolder source, Measurements measurements) : IDisposable
{
    private const string UsesCache = "use_cache_branch";

    private readonly Dictionary<(string File, bool Further), MeasuredGraph> _graphs = [];

    /// <summary>Measures a run; see <see cref="Inference.GraphWatch"/>.</summary>
    public void Watch(string file, IReadOnlyList<string> names, IReadOnlyList<OrtValue> values)
    {
        var inputs = names.Zip(values).ToDictionary(static input => input.First, static input => input.Second, StringComparer.Ordinal);
        var further = inputs.TryGetValue(UsesCache, out var uses) && uses.GetTensorDataAsSpan<bool>()[0];
        if (!_graphs.TryGetValue((file, further), out var graph))
            _graphs.Add((file, further), graph = Open(file, further));
        graph.Run(inputs, measurements);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var graph in _graphs.Values)
            graph.Dispose();
    }

    private MeasuredGraph Open(string file, bool further)
    {
        var (name, path) = source.Graphs.First(graph => Path.GetFileName(graph.Value) == file);
        // A merged decoder's first step is the branch for a condition that does not hold.
        return new MeasuredGraph(name, OnnxFile.Load(path), further ? "then_branch" : "else_branch");
    }
}
