using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.Models.Quantizing;

/// <summary>A graph that tells the ranges of its values when it runs.</summary>
internal sealed class MeasuredGraph : IDisposable
{
    private readonly InferenceSession _session;
    private readonly IReadOnlyList<Probe> _probes;
    private readonly string _name;
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-calibration-").FullName;

    /// <summary>Loads the graph with its probes.</summary>
    /// <param name="name">Its name in the folder.</param>
    /// <param name="model">The graph.</param>
    /// <param name="branch">The branch to run, see <see cref="CalibrationGraph.Of"/>.</param>
    public MeasuredGraph(string name, OnnxModel model, string branch)
    {
        var graph = CalibrationGraph.Of(model, branch);
        (_name, _probes) = (name, graph.Probes);
        // From a file, since a graph of more than 2 GB does not fit into one block.
        var path = Path.Combine(_folder, "measured.onnx");
        OnnxFile.Save(graph.Model, path);
        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        _session = new InferenceSession(path, options);
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">Values by name; those that the graph has no input for are passed over.</param>
    /// <param name="measurements">Takes the ranges.</param>
    public void Run(IReadOnlyDictionary<string, OrtValue> inputs, Measurements measurements)
    {
        string[] outputs = [.. _probes.SelectMany(probe => new[] { probe.Largest, probe.Errors, probe.Squares })];
        using var options = new RunOptions();
        var known = inputs.Where(input => _session.InputMetadata.ContainsKey(input.Key)).ToDictionary();
        using var results = _session.Run(options, known, outputs);
        for (var i = 0; i < _probes.Count; i++)
        {
            var (largest, errors, squares) = (Number(3 * i), Number((3 * i) + 1), Number((3 * i) + 2));
            measurements.Add(_name, _probes[i].Value, new ValueRange(largest, squares > 0 ? MathF.Sqrt(errors / squares) : 0));
        }

        float Number(int index) => results[index].GetTensorDataAsSpan<float>()[0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
