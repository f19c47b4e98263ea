namespace VlWorker.Inference.Tokenizing;

/// <summary>Ids of the tokens with a role, from tokenizer_config.json and special_tokens_map.json; null where neither names one.</summary>
/// <param name="BeginOfSequence">bos_token.</param>
/// <param name="EndOfSequence">eos_token.</param>
/// <param name="Padding">pad_token.</param>
/// <param name="Unknown">unk_token.</param>
/// <param name="Separator">sep_token.</param>
/// <param name="Classification">cls_token.</param>
/// <param name="Mask">mask_token.</param>
internal sealed record SpecialTokens(
    int? BeginOfSequence, int? EndOfSequence, int? Padding, int? Unknown, int? Separator, int? Classification, int? Mask)
{
    /// <summary>All of them, each once.</summary>
    public IEnumerable<int> Ids =>
        new[] { BeginOfSequence, EndOfSequence, Padding, Unknown, Separator, Classification, Mask }.OfType<int>().Distinct();

    /// <summary>Looks the roles up in the files; tokenizer_config.json wins.</summary>
    public static SpecialTokens Create(TokenizerJson? config, TokenizerJson? map, Func<string, int?> idOf)
    {
        return new(
            BeginOfSequence: Find("bos_token"),
            EndOfSequence: Find("eos_token"),
            Padding: Find("pad_token"),
            Unknown: Find("unk_token"),
            Separator: Find("sep_token"),
            Classification: Find("cls_token"),
            Mask: Find("mask_token"));

        int? Find(string role) => (config?.Optional(role) ?? map?.Optional(role)) is { } token ? idOf(Content(token)) : null;
    }

    // Written as text, or as an object with the text in it.
    private static string Content(TokenizerJson token) =>
        token.Kind == System.Text.Json.JsonValueKind.Object ? token.Required("content").Text() : token.Text();
}
