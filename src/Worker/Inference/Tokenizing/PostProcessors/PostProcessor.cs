namespace VlWorker.Inference.Tokenizing.PostProcessors;

/// <summary>The "post_processor" of tokenizer.json for a single text: the special tokens before and after it.</summary>
/// <param name="Prefix">Ids before the text.</param>
/// <param name="Suffix">Ids after the text.</param>
internal sealed record PostProcessor(int[] Prefix, int[] Suffix)
{
    public static PostProcessor None { get; } = new([], []);

    /// <summary>Special tokens that a text gets.</summary>
    public int Count => Prefix.Length + Suffix.Length;

    /// <summary>Builds the post-processor that a tokenizer file describes.</summary>
    /// <exception cref="NotSupportedException">A type that is not known here.</exception>
    public static PostProcessor Create(TokenizerJson json)
    {
        var type = json.Required("type");
        return type.Text() switch
        {
            "ByteLevel" => None, // It moves offsets only, which nobody asks for here.
            "RobertaProcessing" or "BertProcessing" => new([SpecialId(json.Required("cls"))], [SpecialId(json.Required("sep"))]),
            "TemplateProcessing" => FromTemplate(json),
            "Sequence" => json.Required("processors").Items().Select(Create).Aggregate(None, (inner, outer) => outer.Around(inner)),
            var other => throw type.Unsupported($"post-processor {other}"),
        };
    }

    private PostProcessor Around(PostProcessor inner) => new([.. Prefix, .. inner.Prefix], [.. inner.Suffix, .. Suffix]);

    // Written as ["<token>", id].
    private static int SpecialId(TokenizerJson json)
    {
        var parts = json.Items().ToArray();
        return parts.Length == 2 ? parts[1].Id() : throw json.Malformed("is no pair of token and id");
    }

    private static PostProcessor FromTemplate(TokenizerJson json)
    {
        var single = json.Required("single");
        var tokens = json.Required("special_tokens");
        List<int> prefix = [], suffix = [];
        var texts = 0;
        foreach (var item in single.Items())
        {
            if (item.Optional("SpecialToken") is { } special)
                (texts == 0 ? prefix : suffix).AddRange(IdsOf(special.Required("id").Text()));
            else if (item.Required("Sequence").Required("id").Text() == "A")
                texts++;
        }

        return texts == 1 ? new([.. prefix], [.. suffix]) : throw single.Unsupported($"a template with {texts} places for the text");

        IEnumerable<int> IdsOf(string token) => tokens.Required(token).Required("ids").Items().Select(id => id.Id());
    }
}
