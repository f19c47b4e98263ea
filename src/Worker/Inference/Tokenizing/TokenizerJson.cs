using System.Text.Json;

namespace VlWorker.Inference.Tokenizing;

/// <summary>A value of a tokenizer file that knows where it stands, so that every complaint names the place.</summary>
internal readonly struct TokenizerJson
{
    private readonly JsonElement _value;
    private readonly string _place;

    private TokenizerJson(JsonElement value, string place)
    {
        _value = value;
        _place = place;
    }

    public JsonValueKind Kind => _value.ValueKind;

    /// <summary>Reads a file.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="InvalidDataException">It is no JSON object.</exception>
    public static TokenizerJson Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"The model folder has no {Path.GetFileName(path)}: {path}", path);
        var name = Path.GetFileName(path);
        try
        {
            // A copy on the managed heap: the values outlive the document without anyone having to dispose of it.
            var root = JsonElement.Parse(File.ReadAllBytes(path));
            var json = new TokenizerJson(root, name);
            json.Expect(JsonValueKind.Object, "a JSON object");
            return json;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{name} is damaged or cut off: {error.Message}", error);
        }
    }

    /// <summary>A file that a model folder may lack; null where it does.</summary>
    public static TokenizerJson? ReadOptional(string path) => File.Exists(path) ? Read(path) : null;

    /// <summary>A property, null where it is absent or JSON's null.</summary>
    public TokenizerJson? Optional(string name)
    {
        Expect(JsonValueKind.Object, "an object");
        return _value.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new TokenizerJson(value, $"{_place}: {name}")
            : null;
    }

    /// <summary>A property that has to be there.</summary>
    public TokenizerJson Required(string name) => Optional(name) ?? throw Malformed($"has no \"{name}\"");

    public IEnumerable<TokenizerJson> Items()
    {
        Expect(JsonValueKind.Array, "a list");
        var place = _place;
        return _value.EnumerateArray().Select((item, index) => new TokenizerJson(item, $"{place}[{index}]"));
    }

    /// <summary>The entries of a map from token to id, read without a place for each: there are tens of thousands.</summary>
    public IEnumerable<KeyValuePair<string, int>> Ids()
    {
        Expect(JsonValueKind.Object, "a map from token to id");
        foreach (var entry in _value.EnumerateObject())
        {
            yield return new(entry.Name, IdOf(entry.Value) ?? throw Malformed($"gives \"{entry.Name}\" the id {entry.Value.GetRawText()}"));
        }
    }

    /// <summary>A list of pairs, each written as ["a", "b"] or "a b".</summary>
    public IEnumerable<(string Left, string Right)> Pairs()
    {
        Expect(JsonValueKind.Array, "a list of pairs");
        var index = 0;
        foreach (var item in _value.EnumerateArray())
        {
            yield return Pair(item) ?? throw Malformed($"[{index}] is no pair of tokens: {item.GetRawText()}");
            index++;
        }
    }

    /// <summary>A list of tokens with their scores, each written as ["token", score].</summary>
    public IEnumerable<(string Token, double Score)> Scores()
    {
        Expect(JsonValueKind.Array, "a list of tokens with scores");
        var index = 0;
        foreach (var item in _value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2 || TextOf(item[0]) is not { } token
                || item[1].ValueKind != JsonValueKind.Number)
                throw Malformed($"[{index}] is no token with a score: {item.GetRawText()}");
            yield return (token, item[1].GetDouble());
            index++;
        }
    }

    public string Text() => TextOf(_value) ?? throw Malformed("is no text");

    public bool Flag() =>
        _value.ValueKind is JsonValueKind.True or JsonValueKind.False ? _value.GetBoolean() : throw Malformed("is neither true nor false");

    /// <summary>A token id or another count from zero.</summary>
    public int Id() => IdOf(_value) ?? throw Malformed("is no whole number from 0");

    public double Number() => _value.ValueKind == JsonValueKind.Number ? _value.GetDouble() : throw Malformed("is no number");

    public string? OptionalText(string name) => Optional(name)?.Text();

    public bool FlagOr(string name, bool otherwise) => Optional(name)?.Flag() ?? otherwise;

    /// <summary>The complaint that this value is not what the format asks for.</summary>
    public InvalidDataException Malformed(string what) => new($"{_place} {what}");

    /// <summary>The complaint that this value is valid, but this tokenizer does not do what it says.</summary>
    public NotSupportedException Unsupported(string what) => new($"{_place}: {what} is not supported");

    private static string? TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? IdOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id >= 0 ? id : null;

    private static (string Left, string Right)? Pair(JsonElement item)
    {
        if (item.ValueKind == JsonValueKind.Array)
            return item.GetArrayLength() == 2 && TextOf(item[0]) is { } left && TextOf(item[1]) is { } right ? (left, right) : null;
        var parts = TextOf(item)?.Split(' ');
        return parts?.Length == 2 ? (parts[0], parts[1]) : null;
    }

    private void Expect(JsonValueKind kind, string what)
    {
        if (_value.ValueKind != kind)
            throw Malformed($"is not {what}");
    }
}
