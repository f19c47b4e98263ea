using System.Text;

namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>
/// The "Unigram" model of tokenizer.json, SentencePiece's: of all ways to cut a piece into tokens the one with the highest sum of scores.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    // What a character that is no token costs beyond the worst token.
    private const double UnknownPenalty = 10;

    private readonly double[] _scores;
    private readonly int _longest;
    private readonly int? _unknown;
    private readonly double _unknownScore;
    private readonly ByteTokens? _bytes;

    /// <exception cref="InvalidDataException">A part is missing or does not fit the others.</exception>
    public UnigramModel(TokenizerJson json)
    {
        var list = json.Required("vocab");
        var tokens = list.Scores().ToList();
        if (tokens.Count == 0)
            throw list.Malformed("is empty");
        Vocabulary = new Vocabulary(tokens.Select((token, id) => new KeyValuePair<string, int>(token.Token, id)));
        _scores = [.. tokens.Select(token => token.Score)];
        _longest = tokens.Max(token => token.Token.Length);
        _unknown = json.Optional("unk_id") is { } unknown
            ? unknown.Id() is var id && id < tokens.Count ? id : throw unknown.Malformed("is not in the vocabulary")
            : null;
        _unknownScore = _scores.Min() - UnknownPenalty;
        _bytes = json.FlagOr("byte_fallback", false) ? new ByteTokens(Vocabulary) : null;
    }

    /// <inheritdoc/>
    public override Vocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public override PieceEncoder CreateEncoder() => new LatticeEncoder(this);

    /// <summary>The best way to reach a place in the piece.</summary>
    /// <param name="Score">Its sum of scores.</param>
    /// <param name="From">Where its last token begins; -1 where nothing led here yet.</param>
    /// <param name="Token">Its last token; -1 for a character that is none.</param>
    private record struct Step(double Score, int From, int Token);

    private sealed class LatticeEncoder(UnigramModel model) : PieceEncoder
    {
        private readonly RentedList<Step> _best = new();
        private readonly RentedList<Piece> _path = new();

        public override void Encode(ReadOnlySpan<char> piece, RentedList<int> ids)
        {
            Walk(piece);
            _path.Clear();
            var best = _best.Span;
            for (var end = piece.Length; end > 0; end = best[end].From)
                _path.Add(new Piece(best[end].From, end - best[end].From));
            var path = _path.Span;
            for (var i = path.Length - 1; i >= 0; i--)
            {
                if (best[path[i].Start + path[i].Length].Token is >= 0 and var token)
                {
                    ids.Add(token);
                    continue;
                }

                // Neighbours that are no tokens count as one.
                var (start, end) = (path[i].Start, path[i].Start + path[i].Length);
                for (; i > 0 && best[path[i - 1].Start + path[i - 1].Length].Token < 0; i--)
                    end += path[i - 1].Length;
                AddUnknown(piece[start..end], ids);
            }
        }

        public override void Dispose()
        {
            _best.Dispose();
            _path.Dispose();
        }

        private void Walk(ReadOnlySpan<char> piece)
        {
            _best.Clear();
            var best = _best.Extend(piece.Length + 1);
            best.Fill(new Step(0, -1, -1));
            for (var start = 0; start < piece.Length;)
            {
                Rune.DecodeFromUtf16(piece[start..], out _, out var width);
                var (here, single) = (best[start].Score, false);
                for (var length = 1; length <= Math.Min(model._longest, piece.Length - start); length++)
                {
                    if (model.Vocabulary.IdOf(piece.Slice(start, length)) is not { } token)
                        continue;
                    Improve(ref best[start + length], new Step(here + model._scores[token], start, token));
                    single |= length == width;
                }

                if (!single)
                    Improve(ref best[start + width], new Step(here + model._unknownScore, start, -1));
                start += width;
            }
        }

        // Of equals the first stays.
        private static void Improve(ref Step best, Step step)
        {
            if (best.From < 0 || step.Score > best.Score)
                best = step;
        }

        private void AddUnknown(ReadOnlySpan<char> text, RentedList<int> ids)
        {
            if (model._bytes is { } bytes && AddBytes(bytes, text, ids))
                return;
            if (model._unknown is { } unknown)
                ids.Add(unknown);
        }

        // All of them or none.
        private static bool AddBytes(ByteTokens bytes, ReadOnlySpan<char> text, RentedList<int> ids)
        {
            var before = ids.Count;
            Span<int> tokens = stackalloc int[ByteTokens.Longest];
            foreach (var rune in text.EnumerateRunes())
            {
                var count = bytes.Write(rune, tokens);
                if (count == 0)
                {
                    ids.Truncate(before);
                    return false;
                }

                foreach (var token in tokens[..count])
                    ids.Add(token);
            }

            return true;
        }
    }
}
