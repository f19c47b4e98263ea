using System.Text.Json.Serialization;

namespace VlWorker.Serving.Embeddings;

/// <summary>The answer of POST /v1/embeddings, in OpenAI's shape and with its names.</summary>
internal sealed record EmbeddingsResponse
{
    [JsonPropertyName("object")]
    public string Kind { get; init; } = "list";

    /// <summary>One entry an input, in the order of the request.</summary>
    public required IReadOnlyList<EmbeddingItem> Data { get; init; }

    /// <summary>The model's alias.</summary>
    public required string Model { get; init; }

    public required EmbeddingsUsage Usage { get; init; }
}

/// <summary>One input's embedding.</summary>
internal sealed record EmbeddingItem
{
    [JsonPropertyName("object")]
    public string Kind { get; init; } = "embedding";

    /// <summary>The input's place in the request.</summary>
    public required int Index { get; init; }

    /// <summary>L2-normalised: an array of numbers, or little-endian float32 in base64.</summary>
    public required object Embedding { get; init; }
}

/// <summary>Tokens that the text encoder saw, special tokens included; an image counts none.</summary>
internal sealed record EmbeddingsUsage(
    [property: JsonPropertyName("prompt_tokens")] int PromptTokens, [property: JsonPropertyName("total_tokens")] int TotalTokens);
