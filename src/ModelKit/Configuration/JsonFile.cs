using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>A JSON file of a model folder: an object whose values are read by name, with errors that name file and property.</summary>
public sealed class JsonFile
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private JsonFile(string name, JsonElement root)
    {
        Name = name;
        Root = root;
    }

    /// <summary>The file's name.</summary>
    public string Name { get; }

    /// <summary>The object at its root.</summary>
    public JsonElement Root { get; }

    /// <summary>Reads a file; adds to <paramref name="errors"/> if it is no JSON object.</summary>
    /// <returns>Null if the file is missing or unreadable.</returns>
    public static JsonFile? Read(string folder, string name, ICollection<string> errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        var path = Path.Combine(folder, name);
        if (!File.Exists(path))
            return null;
        try
        {
            return Parse(name, File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            errors.Add($"{name} can't be read: {error.Message}");
            return null;
        }
    }

    /// <summary>Parses a file's content.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    /// <exception cref="InvalidDataException">It is not an object.</exception>
    public static JsonFile Parse(string name, ReadOnlyMemory<byte> content)
    {
        using var document = JsonDocument.Parse(content, Lenient);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("it is not an object");
        return new JsonFile(name, document.RootElement.Clone());
    }

    /// <summary>A value by its path; null where it, or an object on the way, is absent or null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> path)
    {
        var element = Root;
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return null;
        }

        return element.ValueKind == JsonValueKind.Null ? null : element;
    }

    /// <summary>An integer.</summary>
    /// <exception cref="InvalidDataException">The value is there, but no integer.</exception>
    public int? Int32(params ReadOnlySpan<string> path) => Find(path) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
        : throw Wrong(path, "an integer");

    /// <summary>A number.</summary>
    /// <exception cref="InvalidDataException">The value is there, but no number.</exception>
    public double? Number(params ReadOnlySpan<string> path) => Find(path) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number
        : throw Wrong(path, "a number");

    /// <summary>One integer or a list of them.</summary>
    /// <exception cref="InvalidDataException">The value is there, but neither.</exception>
    public IReadOnlyList<int>? Int32OrList(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            return [Int32(path)!.Value];
        var numbers = new List<int>();
        foreach (var entry in value.EnumerateArray())
            numbers.Add(entry.ValueKind == JsonValueKind.Number && entry.TryGetInt32(out var number) ? number : throw Wrong(path, "a list of integers"));
        return numbers;
    }

    /// <summary>The strings of a list; empty where there is none.</summary>
    public IReadOnlyList<string> Strings(params ReadOnlySpan<string> path) => Find(path) is { ValueKind: JsonValueKind.Array } value
        ? [.. value.EnumerateArray().Where(static entry => entry.ValueKind == JsonValueKind.String).Select(static entry => entry.GetString()!)]
        : [];

    private InvalidDataException Wrong(ReadOnlySpan<string> path, string expected) =>
        new($"{string.Join('.', path!)} in {Name} is not {expected}");
}
