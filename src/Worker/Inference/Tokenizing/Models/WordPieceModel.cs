namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>
/// The "WordPiece" model of tokenizer.json, as BERT has it: the longest token that begins a word, then the longest continuation, and so on; a
/// word that does not come out, or is too long, is one unknown token. Thread-safe.
/// </summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly string _prefix;
    private readonly int _unknown;
    private readonly int _longestWord;

    /// <exception cref="InvalidDataException">A part is missing or does not fit the others.</exception>
    public WordPieceModel(TokenizerJson json)
    {
        Vocabulary = new Vocabulary(json.Required("vocab"));
        _prefix = json.OptionalText("continuing_subword_prefix") ?? "##";
        _longestWord = json.Optional("max_input_chars_per_word")?.Id() ?? 100;
        _unknown = Vocabulary.Required(json.Required("unk_token"));
    }

    /// <inheritdoc/>
    public override Vocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public override PieceEncoder CreateEncoder() => new Encoder(this);

    private void Encode(ReadOnlySpan<char> word, RentedList<char> token, RentedList<int> ids)
    {
        var before = ids.Count;
        for (var start = 0; start < word.Length;)
        {
            if (Longest(word[start..], start > 0 ? _prefix : "", token) is not var (id, length))
            {
                ids.Truncate(before);
                ids.Add(_unknown);
                return;
            }

            ids.Add(id);
            start += length;
        }
    }

    private (int Id, int Length)? Longest(ReadOnlySpan<char> rest, string prefix, RentedList<char> token)
    {
        token.Clear();
        token.AddRange(prefix);
        token.AddRange(rest);
        for (var length = rest.Length; length > 0; length--)
        {
            if (length < rest.Length && char.IsLowSurrogate(rest[length]))
                continue;
            if (Vocabulary.IdOf(token.Span[..(prefix.Length + length)]) is { } id)
                return (id, length);
        }

        return null;
    }

    private static int CodePoints(ReadOnlySpan<char> word)
    {
        var count = word.Length;
        foreach (var unit in word)
            count -= char.IsLowSurrogate(unit) ? 1 : 0;
        return count;
    }

    private sealed class Encoder(WordPieceModel model) : PieceEncoder
    {
        private readonly RentedList<char> _token = new();

        public override void Encode(ReadOnlySpan<char> piece, RentedList<int> ids)
        {
            if (CodePoints(piece) > model._longestWord)
                ids.Add(model._unknown);
            else
                model.Encode(piece, _token, ids);
        }

        public override void Dispose() => _token.Dispose();
    }
}
