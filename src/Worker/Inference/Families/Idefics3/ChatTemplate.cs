using System.Text.Json;
using System.Text.RegularExpressions;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>
/// A model folder's chat template for one turn: images, then what the user says. Templates are programs in Jinja, for which .NET has no
/// well-kept library; the ones that the family was published with differ in what stands in front, and are known here.
/// </summary>
/// <param name="Head">What a conversation begins with.</param>
internal sealed partial record ChatTemplate(string Head)
{
    /// <summary>What follows the user's words.</summary>
    public const string End = "<end_of_utterance>\nAssistant:";

    private const string JinjaFile = "chat_template.jinja";
    private const string JsonFile = "chat_template.json";
    private const string TokenizerFile = "tokenizer_config.json";
    private const string Property = "chat_template";

    // In the form that Plain gives.
    private const string Known =
        "{%for message in messages%}{{message['role']|capitalize}}{%if message['content'][0]['type'] == 'image'%}{{':'}}{%else%}{{': '}}{%endif%}"
        + "{%for line in message['content']%}{%if line['type'] == 'text'%}{{line['text']}}{%elif line['type'] == 'image'%}{{'<image>'}}{%endif%}"
        + "{%endfor%}<end_of_utterance>\n{%endfor%}{%if add_generation_prompt%}{{'Assistant:'}}{%endif%}";

    // SmolVLM2's has this too. A turn here holds no video.
    private const string Video = "{%elif line['type'] == 'video'%}{{'<video>'}}";

    /// <summary>What stands before the first image.</summary>
    public string Begin => Head + "User:";

    /// <summary>Finds the template where transformers looks for it.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    /// <exception cref="NotSupportedException">It is none of those known here.</exception>
    public static ChatTemplate Load(string folder)
    {
        var jinja = Path.Combine(folder, JinjaFile);
        return Parse((File.Exists(jinja) ? File.ReadAllText(jinja) : null)
            ?? Read(folder, JsonFile) ?? Read(folder, TokenizerFile)
            ?? throw new InvalidDataException($"the folder has no chat template: neither {JinjaFile} nor {Property} in {JsonFile} or {TokenizerFile}"));
    }

    /// <summary>Reads a template.</summary>
    /// <exception cref="NotSupportedException">It is none of those known here.</exception>
    public static ChatTemplate Parse(string template)
    {
        var body = template.IndexOf("{%", StringComparison.Ordinal);
        if (body < 0 || Plain(template[body..]) != Known || template.AsSpan(0, body).Contains('{'))
            throw new NotSupportedException("the chat template is not that of Idefics3 and SmolVLM, and others are not supported");
        return new ChatTemplate(template[..body]);
    }

    // Spellings that mean the same. A line feed at the end of a file is none of the template's.
    private static string Plain(string body) =>
        Spaces().Replace(body.TrimEnd('\n').Replace(".capitalize()", "|capitalize", StringComparison.Ordinal), "$1$2$3")
            .Replace(Video, "", StringComparison.Ordinal);

    private static string? Read(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
            return null;
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        // One template, or several with names, of which transformers takes the one that is called default.
        return Member(json.RootElement, Property) is { ValueKind: JsonValueKind.Array } several
            ? several.EnumerateArray().Where(static one => Text(one, "name") == "default").Select(static one => Text(one, "template")).LastOrDefault()
            : Text(json.RootElement, Property);
    }

    private static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : null;

    [GeneratedRegex(@"(\{[{%])\s+|\s+([%}]\})|\s*(\|)\s*", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();
}
