namespace VlWorker.Inference.Tokenizing.PreTokenizers;

/// <summary>The "pre_tokenizer" of tokenizer.json: splits a text into pieces that the model doesn't merge across. Thread-safe.</summary>
internal abstract class PreTokenizer
{
    // BERT's words.
    private static readonly PieceSplitter Spaces = new(RuneRegex.OfWhiteSpace, SplitBehavior.Removed, invert: false);
    private static readonly PieceSplitter Punctuation = new(RuneRegex.OfPunctuation, SplitBehavior.Isolated, invert: false);

    /// <summary>Builds the pre-tokenizer that a tokenizer file describes.</summary>
    /// <exception cref="NotSupportedException">A type that is not known here.</exception>
    public static PreTokenizer Create(TokenizerJson json)
    {
        var type = json.Required("type");
        return type.Text() switch
        {
            "Sequence" => new PreTokenizerSequence([.. json.Required("pretokenizers").Items().Select(Create)]),
            "ByteLevel" => new ByteLevelPreTokenizer(json.FlagOr("add_prefix_space", true), json.FlagOr("use_regex", true)),
            "Digits" => new SplitPreTokenizer(
                new PieceSplitter(json.FlagOr("individual_digits", false) ? RuneRegex.OfDigit : RuneRegex.OfDigits, SplitBehavior.Isolated, invert: false)),
            "Metaspace" => MetaspacePreTokenizer.Read(json),
            "Split" => new SplitPreTokenizer(SplitterOf(json)),
            "BertPreTokenizer" => new PreTokenizerSequence([new SplitPreTokenizer(Spaces), new SplitPreTokenizer(Punctuation)]),
            var other => throw type.Unsupported($"pre-tokenizer {other}"),
        };
    }

    public abstract void Apply(PreTokenizedText text);

    private static PieceSplitter SplitterOf(TokenizerJson json)
    {
        var behavior = json.Required("behavior");
        return Enum.TryParse<SplitBehavior>(behavior.Text(), out var parsed)
            ? new PieceSplitter(RuneRegex.Create(json.Required("pattern")), parsed, json.FlagOr("invert", false))
            : throw behavior.Unsupported($"behaviour {behavior.Text()}");
    }
}

/// <summary>Several pre-tokenizers: each one splits the pieces of the one before.</summary>
internal sealed class PreTokenizerSequence(PreTokenizer[] steps) : PreTokenizer
{
    public override void Apply(PreTokenizedText text)
    {
        foreach (var step in steps)
            step.Apply(text);
    }
}

/// <summary>Splits by a pattern.</summary>
internal sealed class SplitPreTokenizer(PieceSplitter splitter) : PreTokenizer
{
    public override void Apply(PreTokenizedText text) => text.Split(splitter);
}

/// <summary>GPT-2's pre-tokenizer: splits by its pattern and writes the pieces' UTF-8 bytes as visible characters.</summary>
/// <param name="addPrefixSpace">Puts a space before each piece that does not begin with one.</param>
/// <param name="useRegex">Splits by the GPT-2 pattern; otherwise the pieces stay as they come.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private static readonly PieceSplitter Gpt2 = new(RuneRegex.OfGpt2, SplitBehavior.Isolated, invert: false);

    public override void Apply(PreTokenizedText text)
    {
        if (addPrefixSpace)
            text.Rewrite(WithPrefixSpace);
        if (useRegex)
            text.Split(Gpt2);
        text.Rewrite(ByteAlphabet.Write);
    }

    private static void WithPrefixSpace(ReadOnlySpan<char> piece, RentedList<char> to)
    {
        if (!piece.StartsWith(' '))
            to.Add(' ');
        to.AddRange(piece);
    }
}
