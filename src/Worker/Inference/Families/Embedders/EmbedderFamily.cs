using VlWorker.Inference.Engine;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using Graphs = VlWorker.ModelKit.ModelFamily.Graphs;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>What tells the families of embedders apart: the names in exported graphs, and how texts are padded.</summary>
/// <param name="VisionGraph">The image tower's graph.</param>
/// <param name="ImageOutput">Its output: a vector an image, or hidden states of which the first is the image's.</param>
/// <param name="TextOutput">The text tower's output; null where there is no such tower.</param>
/// <param name="ContextLength">Tokens of a text at most, where config.json does not say.</param>
/// <param name="PadsTexts">Whether the text tower sees padding and pools behind it, so that every text must have the context's length.</param>
internal sealed record EmbedderFamily(string VisionGraph, string ImageOutput, string? TextOutput, int ContextLength, bool PadsTexts)
{
    // What SiglipTextConfig of transformers says where a folder names no pad_token.
    private const int DefaultPadding = 1;

    private static readonly Dictionary<string, EmbedderFamily> ByType = new(StringComparer.Ordinal)
    {
        [ModelFamily.Clip.ModelType] = new(Graphs.Vision, "image_embeds", "text_embeds", 77, false),
        [ModelFamily.Siglip.ModelType] = new(Graphs.Vision, "pooler_output", "pooler_output", 64, true),
        [ModelFamily.Siglip2.ModelType] = new(Graphs.Vision, "pooler_output", "pooler_output", 64, true),
        [ModelFamily.Dinov2.ModelType] = new(Graphs.Model, "last_hidden_state", null, 0, false),
    };

    /// <summary>What tells a family apart.</summary>
    public static EmbedderFamily Of(ModelFamily family) => ByType[family.ModelType];

    /// <summary>Tokens of a text at most.</summary>
    public int ContextOf(JsonFile config) =>
        // Old files keep the text tower's settings apart.
        config.Int32("text_config", "max_position_embeddings") ?? config.Int32("text_config_dict", "max_position_embeddings") ?? ContextLength;

    /// <summary>How texts are brought to the length that the text tower needs; null where any length will do.</summary>
    public TextPadding? PaddingOf(JsonFile config, HubTokenizer? tokenizer) =>
        PadsTexts && tokenizer is not null ? new TextPadding(ContextOf(config), tokenizer.Special.Padding ?? DefaultPadding) : null;
}
