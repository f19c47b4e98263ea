using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>A model's part of config.json, whose values fall back to transformers' defaults where the file leaves them out.</summary>
/// <param name="file">config.json.</param>
/// <param name="section">The object's name in there, such as <c>encoder</c>; null for the file's own values.</param>
internal sealed class ConfigSection(JsonFile file, string? section)
{
    /// <summary>A positive integer.</summary>
    /// <exception cref="InvalidDataException">It is there, but not that.</exception>
    public int Size(string name, int fallback)
    {
        var value = file.Int32(At(name)) ?? fallback;
        return value is > 0 and <= 1 << 24 ? value : throw Wrong(name, "a size");
    }

    /// <summary>An integer; null where the file has none.</summary>
    public int? Integer(string name) => file.Int32(At(name));

    /// <summary>One positive integer or a pair, as height and width.</summary>
    /// <exception cref="InvalidDataException">It is there, but neither.</exception>
    public (int Height, int Width) Extent(string name, int fallback)
    {
        IReadOnlyList<int> values = file.Int32OrList(At(name)) ?? [fallback];
        return values.All(static value => value is > 0 and <= 1 << 16) && values.Count is 1 or 2
            ? (values[0], values[^1])
            : throw Wrong(name, "a size or a pair of sizes");
    }

    /// <summary>A number above zero, such as a norm's epsilon.</summary>
    /// <exception cref="InvalidDataException">It is there, but not that.</exception>
    public float Positive(string name, double fallback)
    {
        var value = (float)(file.Number(At(name)) ?? fallback);
        return value > 0 && float.IsFinite(value) ? value : throw Wrong(name, "a positive number");
    }

    /// <summary>A switch.</summary>
    /// <exception cref="InvalidDataException">It is there, but neither true nor false.</exception>
    public bool Flag(string name, bool fallback) => file.Find(At(name)) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Wrong(name, "true or false"),
    };

    /// <summary>A word.</summary>
    /// <exception cref="InvalidDataException">It is there, but no word.</exception>
    public string Word(string name, string fallback) => file.Find(At(name)) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.String } value => value.GetString()!,
        _ => throw Wrong(name, "a word"),
    };

    /// <summary>Asserts what is only supported with one value.</summary>
    /// <exception cref="NotSupportedException">The file asks for another one.</exception>
    public void Require(string name, string supported)
    {
        if (Word(name, supported) is var value && value != supported)
            throw new NotSupportedException($"{string.Join('.', At(name))} in {file.Name} is {value}; supported is {supported}");
    }

    /// <summary>The error of a value that can't be.</summary>
    public InvalidDataException Wrong(string name, string expected) => new($"{string.Join('.', At(name))} in {file.Name} is not {expected}");

    private string[] At(string name) => section is null ? [name] : [section, name];
}
