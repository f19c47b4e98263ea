namespace VlWorker.Inference.Tokenizing.Decoders;

/// <summary>Puts words together: a token without the prefix begins one.</summary>
/// <param name="prefix">What a continuation begins with.</param>
/// <param name="cleanup">Joins punctuation to the word before it, token by token; null leaves it.</param>
internal sealed class WordPieceDecoder(string prefix, TextCleanup? cleanup) : TokenDecoder
{
    /// <summary>Builds it from its part of tokenizer.json.</summary>
    public static new WordPieceDecoder Create(TokenizerJson? json) => new(
        json?.OptionalText("prefix") ?? "##", json?.FlagOr("cleanup", true) ?? true ? new TextCleanup(null, joinsPunctuation: true) : null);

    /// <inheritdoc/>
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => tokens.Select(Piece);

    private string Piece(string token, int index)
    {
        if (index > 0)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return cleanup?.Apply(token) ?? token;
    }
}
