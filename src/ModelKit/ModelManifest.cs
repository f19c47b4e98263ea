using System.Text.Json;
using System.Text.Json.Serialization;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit;

/// <summary>The manifest of an optimised folder: what it was made of, what was done to it, and which engine runs its graphs.</summary>
/// <param name="Tool">Version of the tool that made it.</param>
/// <param name="Family">The family's name.</param>
/// <param name="Target">The kind of processor: cpu or cuda.</param>
/// <param name="Precision">fp32, fp16, int8, q8 or q4.</param>
/// <param name="Layout">Name of the graphs' calling convention.</param>
/// <param name="Source">What it was made of.</param>
/// <param name="Done">What was done, a sentence each.</param>
/// <param name="Graphs">The graphs' files, relative to the folder, by the names that the layout gives them.</param>
public sealed record ModelManifest(
    string Tool,
    string Family,
    string Target,
    string Precision,
    string Layout,
    ModelSource Source,
    IReadOnlyList<string> Done,
    IReadOnlyDictionary<string, string> Graphs)
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "vlworker.json";

    /// <summary>The only form of the file so far.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>How cosines become scores, where the source says it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Similarity? Similarity { get; init; }

    private const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads the manifest of a folder; adds to <paramref name="errors"/> what is wrong with it.</summary>
    /// <returns>Null if there is none or it can't be used.</returns>
    public static ModelManifest? Read(string folder, ICollection<string> errors)
    {
        if (JsonFile.Read(folder, FileName, errors) is not { } file)
            return null;
        try
        {
            if (file.Int32("format") is not CurrentFormat)
                throw new InvalidDataException($"format {file.Find("format")?.GetRawText() ?? "null"} is not known to this version");
            var manifest = file.Root.Deserialize<ModelManifest>(Form)!;
            var missing = manifest.Graphs.Values.Where(name => !Inside(folder, name) || !File.Exists(Path.Combine(folder, name))).ToList();
            missing.ForEach(name => errors.Add($"{name}, named in {FileName}, is missing"));
            return missing.Count == 0 ? manifest : null;
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            errors.Add($"{FileName} can't be used: {error.Message}");
            return null;
        }
    }

    /// <summary>Writes the manifest into a folder.</summary>
    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Form) + "\n");

    private static bool Inside(string folder, string name) =>
        Path.GetFullPath(Path.Combine(folder, name)).StartsWith(Path.GetFullPath(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}

/// <summary>What an optimised folder was made of.</summary>
/// <param name="Kind">checkpoint (safetensors) or export (ONNX graphs).</param>
/// <param name="Sha256">Over all the files.</param>
/// <param name="Files">Their names.</param>
public sealed record ModelSource(string Kind, string Sha256, IReadOnlyList<string> Files);
