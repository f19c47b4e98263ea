using System.Text.Json;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>model.safetensors.index.json, pytorch_model.bin.index.json: which of several files holds a tensor.</summary>
internal static class ShardIndex
{
    /// <summary>Bytes of an index at most.</summary>
    private const long LargestIndex = 100_000_000;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>Reads an index.</summary>
    /// <returns>File names by the names of tensors. They are plain names: nothing leads out of the index's folder.</returns>
    /// <exception cref="InvalidDataException">It is malformed; the message names the file.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LargestIndex)
                throw new InvalidDataException($"it has more than {LargestIndex} bytes");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), Strict);
            return ReadMap(document.RootElement, path.EndsWith(Checkpoint.TorchIndexFile, StringComparison.Ordinal) ? ".bin" : ".safetensors");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or InvalidDataException)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }

    private static Dictionary<string, string> ReadMap(JsonElement root, string extension)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("it has no weight_map");
        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            if (!IsPlainName(shard, extension))
                throw new InvalidDataException(
                    $"tensor {entry.Name}: {entry.Value.GetRawText()} is no name of a {extension} file in the same folder");
            shards.Add(entry.Name, shard);
        }

        return shards;
    }

    private static bool IsPlainName(string name, string extension) =>
        name.Length > extension.Length && name.EndsWith(extension, StringComparison.Ordinal) && name.AsSpan().IndexOfAny("/\\:\0") < 0 && !name.Any(char.IsControl);
}
