using System.Text;

namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>
/// The "BPE" model of tokenizer.json: code points as first symbols, then merges by rank. Thread-safe.
/// Own code in place of Microsoft.ML.Tokenizers: BpeTokenizer 2.0.1 merges as this does, but takes quadratic time for long words (1.2 s for
/// 65,536 letters, here some 15 ms), and its cache of words fills up once and for all with whatever clients send.
/// </summary>
internal sealed class BytePairModel : TokenModel
{
    private const int Unknown = -1;

    private readonly MergeTable _merges;
    private readonly string _endOfWord;
    private readonly int? _unknownId;
    private readonly bool _fuseUnknown;
    private readonly bool _ignoreMerges;

    // For characters that are no tokens; null where the model does not fall back on bytes.
    private readonly ByteTokens? _bytes;

    // First symbols of the byte alphabet, inside a word and at its end, where the end-of-word suffix is part of the symbol.
    private readonly int[] _inner;
    private readonly int[] _last;

    /// <exception cref="InvalidDataException">A part is missing or does not fit the others.</exception>
    /// <exception cref="NotSupportedException">A setting that is not known here.</exception>
    public BytePairModel(TokenizerJson json)
    {
        Refuse(json);
        Vocabulary = new Vocabulary(json.Required("vocab"));
        _endOfWord = json.OptionalText("end_of_word_suffix") ?? "";
        _fuseUnknown = json.FlagOr("fuse_unk", false);
        _ignoreMerges = json.FlagOr("ignore_merges", false);
        _unknownId = json.Optional("unk_token") is { } unknown ? Vocabulary.Required(unknown) : null;
        _bytes = json.FlagOr("byte_fallback", false) ? new ByteTokens(Vocabulary) : null;
        _merges = new MergeTable([.. Merges(json.Required("merges"))]);
        _inner = [.. Enumerable.Range(0, ByteAlphabet.End).Select(unit => Find(new Rune((char)unit), last: false))];
        _last = [.. Enumerable.Range(0, ByteAlphabet.End).Select(unit => Find(new Rune((char)unit), last: true))];
    }

    /// <inheritdoc/>
    public override Vocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public override PieceEncoder CreateEncoder() => new MergingEncoder(this, new SymbolMerger(_merges));

    private void Encode(ReadOnlySpan<char> piece, SymbolMerger merger, RentedList<int> ids)
    {
        if (_ignoreMerges && Vocabulary.IdOf(piece) is { } whole)
        {
            ids.Add(whole);
            return;
        }

        var unknownBefore = false;
        for (var position = 0; position < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[position..], out var rune, out var length);
            position += length;
            var id = FirstSymbol(rune, last: position == piece.Length);
            var known = id != Unknown;
            if (known)
                merger.Add(id);
            else if (_bytes is { } bytes && AddBytes(bytes, rune, merger))
                known = true;
            else if (_unknownId is { } unknown && !(unknownBefore && _fuseUnknown))
                merger.Add(unknown);
            unknownBefore = !known;
        }

        merger.Merge(ids);
    }

    private static bool AddBytes(ByteTokens bytes, Rune rune, SymbolMerger merger)
    {
        Span<int> symbols = stackalloc int[ByteTokens.Longest];
        var count = bytes.Write(rune, symbols);
        foreach (var symbol in symbols[..count])
            merger.Add(symbol);
        return count > 0;
    }

    private static void Refuse(TokenizerJson json)
    {
        if (json.OptionalText("continuing_subword_prefix") is { Length: > 0 } prefix)
            throw json.Unsupported($"the subword prefix \"{prefix}\"");
        if (json.Optional("dropout") is { } dropout && dropout.Number() != 0)
            throw json.Unsupported("dropout");
    }

    private IEnumerable<(int Left, int Right, int Merged)> Merges(TokenizerJson json)
    {
        foreach (var (left, right) in json.Pairs())
            yield return (Id(left), Id(right), Id(left + right));

        int Id(string token) => Vocabulary.IdOf(token) ?? throw json.Malformed($"name \"{token}\", which is not in the vocabulary");
    }

    private int FirstSymbol(Rune rune, bool last) => rune.Value < ByteAlphabet.End ? (last ? _last : _inner)[rune.Value] : Find(rune, last);

    private int Find(Rune rune, bool last)
    {
        if (last && _endOfWord.Length > 0)
            return Vocabulary.IdOf(rune + _endOfWord) ?? Unknown;
        Span<char> units = stackalloc char[2];
        return Vocabulary.IdOf(units[..rune.EncodeToUtf16(units)]) ?? Unknown;
    }

    private sealed class MergingEncoder(BytePairModel model, SymbolMerger merger) : PieceEncoder
    {
        public override void Encode(ReadOnlySpan<char> piece, RentedList<int> ids) => model.Encode(piece, merger, ids);

        public override void Dispose() => merger.Dispose();
    }
}
