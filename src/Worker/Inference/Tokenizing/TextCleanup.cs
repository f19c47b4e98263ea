namespace VlWorker.Inference.Tokenizing;

/// <summary>What transformers does to a decoded text after the decoder of tokenizer.json.</summary>
/// <param name="endOfWord">A suffix of tokens that becomes a space, and the ends of the text are trimmed; null where it stays.</param>
/// <param name="joinsPunctuation">Whether spaces before punctuation and contractions go (clean_up_tokenization_spaces).</param>
internal sealed class TextCleanup(string? endOfWord, bool joinsPunctuation)
{
    private static readonly (string From, string To)[] Joins =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
        (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <param name="config">tokenizer_config.json.</param>
    /// <param name="model">The model of tokenizer.json.</param>
    public static TextCleanup Create(TokenizerJson? config, TokenizerJson model)
    {
        // CLIP's own class turns the suffix of its tokens into spaces; the decoder in its tokenizer.json does not.
        var isClip = config?.OptionalText("tokenizer_class") is "CLIPTokenizer" or "CLIPTokenizerFast";
        var endOfWord = isClip && model.OptionalText("end_of_word_suffix") is { Length: > 0 } suffix ? suffix : null;
        return new TextCleanup(endOfWord, config?.FlagOr("clean_up_tokenization_spaces", false) ?? false);
    }

    public string Apply(string text)
    {
        if (endOfWord is not null)
            text = Strip(text.Replace(endOfWord, " ", StringComparison.Ordinal));
        if (joinsPunctuation)
            text = Joins.Aggregate(text, (current, join) => current.Replace(join.From, join.To, StringComparison.Ordinal));
        return text;
    }

    // Python's strip(): Unicode's white space and the four separators that only Python counts in.
    private static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];

        static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';
    }
}
