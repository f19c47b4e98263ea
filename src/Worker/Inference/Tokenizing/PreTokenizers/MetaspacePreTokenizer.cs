namespace VlWorker.Inference.Tokenizing.PreTokenizers;

/// <summary>SentencePiece's pre-tokenizer: writes spaces as a visible character, and splits before each of them.</summary>
/// <param name="space">What stands for a space.</param>
/// <param name="prepends">Whether a stretch of text that begins with none gets one in front.</param>
/// <param name="splits">Whether the text is split.</param>
internal sealed class MetaspacePreTokenizer(char space, bool prepends, bool splits) : PreTokenizer
{
    private readonly PieceSplitter _splitter = new(RuneRegex.OfLiteral(space.ToString()), SplitBehavior.MergedWithNext, invert: false);

    /// <summary>Reads it from a tokenizer file.</summary>
    /// <exception cref="NotSupportedException">A setting that is not known here.</exception>
    public static MetaspacePreTokenizer Read(TokenizerJson json)
    {
        var scheme = json.OptionalText("prepend_scheme") ?? (json.FlagOr("add_prefix_space", true) ? "always" : "never");
        if (scheme is not ("always" or "never"))
            throw json.Unsupported($"prepend_scheme {scheme}");
        return new MetaspacePreTokenizer(SpaceOf(json), scheme == "always", json.FlagOr("split", true));
    }

    /// <summary>The character that stands for a space.</summary>
    public static char SpaceOf(TokenizerJson json) =>
        (json.OptionalText("replacement") ?? "\u2581") is [var only] ? only : throw json.Malformed("has a replacement that is no single character");

    /// <inheritdoc/>
    public override void Apply(PreTokenizedText text)
    {
        text.Rewrite((piece, to) =>
        {
            if (prepends && !piece.StartsWith(' ') && !piece.StartsWith(space))
                to.Add(space);
            foreach (var character in piece)
                to.Add(character == ' ' ? space : character);
        });
        if (splits)
            text.Split(_splitter);
    }
}
