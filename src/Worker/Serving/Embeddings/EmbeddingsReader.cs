using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Serving.Embeddings;

/// <summary>Reads the JSON of /v1/embeddings: OpenAI's fields, and images beside texts.</summary>
/// <remarks>
/// <code>
/// input: text | image | [text | image, ...]      text:  "a text" | {"text": "a text"}
/// image: "data:image/...;base64,..." | {"image": "data:..."} | {"image": {"bucket": ..., "key": ...}}
/// </code>
/// </remarks>
internal sealed class EmbeddingsReader(Uploads uploads, ServingOptions options)
{
    /// <summary>Reads a request; images stay in the document until they are opened.</summary>
    /// <exception cref="RejectedException">It is malformed.</exception>
    public EmbeddingsRequest Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Bad("the body is not a JSON object");
        if (!root.TryGetProperty("input", out var input))
            throw Bad("input is missing");
        var encoding = Text(root, "encoding_format") ?? EmbeddingEncodings.Float;
        if (!EmbeddingEncodings.All.Contains(encoding))
            throw Bad($"encoding_format is none of {string.Join(", ", EmbeddingEncodings.All)}");
        return new EmbeddingsRequest(Inputs(input), Text(root, "model"), encoding, Number(root, "dimensions"));
    }

    private IReadOnlyList<EmbeddingInput> Inputs(JsonElement input)
    {
        if (input.ValueKind != JsonValueKind.Array)
            return [Input(input)];
        var count = input.GetArrayLength();
        if (count == 0)
            throw Bad("input is empty");
        if (count > options.MaxInputs)
            throw Bad($"input has {count:N0} entries: {options.MaxInputs:N0} are taken at once");
        return [.. input.EnumerateArray().Select(Input)];
    }

    private EmbeddingInput Input(JsonElement input) => input.ValueKind switch
    {
        JsonValueKind.String => DataUrl.Is(input) ? Inline(input) : new EmbeddingInput(Text: StringOf(input)),
        JsonValueKind.Object when input.TryGetProperty("text", out _) && input.TryGetProperty("image", out _) =>
            throw Bad("an input is a text or an image, not both"),
        JsonValueKind.Object when input.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String =>
            new EmbeddingInput(Text: StringOf(text)),
        JsonValueKind.Object when input.TryGetProperty("image", out var image) => Image(image),
        JsonValueKind.Number or JsonValueKind.Array => throw Bad("token ids are not taken: send texts"),
        _ => throw Bad("an input is a text, a data URL, {\"text\": ...} or {\"image\": ...}"),
    };

    private EmbeddingInput Image(JsonElement image)
    {
        if (image.ValueKind == JsonValueKind.Object)
            return new EmbeddingInput(Image: Reference(image));
        if (image.ValueKind == JsonValueKind.String && DataUrl.Is(image))
            return Inline(image);
        throw Bad("an image is a data URL or {\"bucket\": ..., \"key\": ...}; other URLs are not fetched");
    }

    private EmbeddingInput Inline(JsonElement url) => new(Open: _ => Task.Run(() => DataUrl.Open(url, uploads)));

    private static ImageReference Reference(JsonElement image)
    {
        try
        {
            return image.Deserialize(ContractsJson.Default.ImageReference)!;
        }
        catch (JsonException error)
        {
            throw new RejectedException(RejectionReason.BadRequest, "bucket, key, versionId and etag are texts", error);
        }
    }

    private static string? Text(JsonElement root, string name) => !root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? null
        : value.ValueKind == JsonValueKind.String ? StringOf(value) : throw Bad($"{name} is no text");

    private static int? Number(JsonElement root, string name) => !root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Bad($"{name} is no whole number");

    private static string StringOf(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new RejectedException(RejectionReason.BadRequest, "a text is not valid Unicode: half of a surrogate pair", error);
        }
    }

    private static RejectedException Bad(string detail) => new(RejectionReason.BadRequest, detail);
}
