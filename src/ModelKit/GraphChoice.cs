namespace VlWorker.ModelKit;

/// <summary>Which of a folder's graphs are used.</summary>
internal sealed record GraphChoice(
    ModelFamily Family, ModelPrecision Precision, IReadOnlyList<ModelPrecision> Available, IReadOnlyDictionary<string, string> Files)
{
    /// <summary>In the order in which <see cref="ModelPrecision.Auto"/> looks.</summary>
    private static readonly ModelPrecision[] Order =
    [
        ModelPrecision.Fp32, ModelPrecision.Quantized, ModelPrecision.Fp16, ModelPrecision.Q8, ModelPrecision.Q4,
    ];

    /// <summary>Finds the graphs in the onnx folder, or in the folder itself where there is no onnx folder.</summary>
    /// <returns>Null if they are not there; <paramref name="errors"/> says what is missing.</returns>
    public static GraphChoice? Make(string path, ModelFamily family, ModelPrecision precision, List<string> errors)
    {
        var prefix = Directory.Exists(Path.Combine(path, "onnx")) ? "onnx/" : string.Empty;
        var found = Order.Select(p => (Precision: p, Set: family.GraphSets.FirstOrDefault(set => Missing(path, prefix, set, p).Count == 0)))
            .Where(entry => entry.Set is not null).ToList();
        var choice = precision == ModelPrecision.Auto ? found.FirstOrDefault() : found.FirstOrDefault(entry => entry.Precision == precision);
        if (choice.Set is null)
        {
            Explain(path, prefix, family, precision, found.ConvertAll(entry => entry.Precision), errors);
            return null;
        }

        return new GraphChoice(family, choice.Precision, found.ConvertAll(entry => entry.Precision), choice.Set.ToDictionary(
            name => name, name => Path.Combine(path, FileName(prefix, name, choice.Precision)), StringComparer.Ordinal));
    }

    /// <summary>Takes the graphs that a manifest names.</summary>
    /// <returns>Null if they are not of the precision asked for; <paramref name="errors"/> says so.</returns>
    public static GraphChoice? Of(string path, ModelFamily family, ModelManifest manifest, ModelPrecision precision, List<string> errors)
    {
        ModelPrecision? made = manifest.Precision switch
        {
            "fp32" => ModelPrecision.Fp32,
            "fp16" => ModelPrecision.Fp16,
            "int8" => ModelPrecision.Quantized,
            "q8" => ModelPrecision.Q8,
            "q4" => ModelPrecision.Q4,
            _ => null,
        };
        var before = errors.Count;
        if (made is null)
            errors.Add($"precision {manifest.Precision} in {ModelManifest.FileName} is none of fp32, fp16, int8, q8 and q4");
        if (manifest.Family != family.Name)
            errors.Add($"{ModelManifest.FileName} is of a {manifest.Family}, {ModelFolder.ConfigFile} of a {family.Name}");
        if (made is not null && precision != ModelPrecision.Auto && precision != made)
            errors.Add($"precision {Name(precision)} is not there: the folder was optimised to {manifest.Precision}");
        return errors.Count > before ? null : new GraphChoice(family, made!.Value, [made.Value], manifest.Graphs.ToDictionary(
            graph => graph.Key, graph => Path.GetFullPath(Path.Combine(path, graph.Value)), StringComparer.Ordinal));
    }

    /// <summary>The files beside a graph that hold its larger tensors, as exporters name them.</summary>
    public static IEnumerable<string> ExternalData(string graph) =>
        Directory.EnumerateFiles(Path.GetDirectoryName(graph)!, Path.GetFileName(graph) + "*")
            .Where(file => file.Length > graph.Length && file[graph.Length] is '_' or '.');

    /// <summary>The file of a graph in a precision.</summary>
    public static string FileName(string prefix, string name, ModelPrecision precision) => prefix + name + precision switch
    {
        ModelPrecision.Quantized => "_quantized.onnx",
        ModelPrecision.Fp16 => "_fp16.onnx",
        ModelPrecision.Q8 => "_q8.onnx",
        ModelPrecision.Q4 => "_q4.onnx",
        _ => ".onnx",
    };

    private static List<string> Missing(string path, string prefix, IReadOnlyList<string> set, ModelPrecision precision) =>
        [.. set.Select(name => FileName(prefix, name, precision)).Where(name => !File.Exists(Path.Combine(path, name)))];

    private static void Explain(
        string path, string prefix, ModelFamily family, ModelPrecision precision, List<ModelPrecision> found, List<string> errors)
    {
        if (family.GraphSets.Count == 0)
        {
            errors.Add($"no exported graphs of a {family.Name} are known: make it of the checkpoint (vl-worker model convert)");
            return;
        }

        // Of several possible sets the one that lacks the least is the one that was meant.
        var closest = (precision == ModelPrecision.Auto ? Order : [precision])
            .SelectMany(p => family.GraphSets.Select(set => Missing(path, prefix, set, p)))
            .MinBy(missing => missing.Count)!;
        errors.AddRange(closest.Select(name => $"{name} is missing"));
        if (found.Count > 0)
            errors.Add($"precision {Name(precision)} is not there, but {string.Join(" and ", found.Select(Name))} is");
    }

    private static string Name(ModelPrecision precision) => precision.ToString().ToLowerInvariant();
}
