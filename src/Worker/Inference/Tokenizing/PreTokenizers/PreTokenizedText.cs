namespace VlWorker.Inference.Tokenizing.PreTokenizers;

/// <summary>A text on its way to the model: its characters as rewritten so far, and their pieces. Work space of one call.</summary>
internal sealed class PreTokenizedText : IDisposable
{
    private readonly RentedList<Piece> _matches = new();
    private RentedList<char> _characters = new();
    private RentedList<char> _nextCharacters = new();
    private RentedList<Piece> _pieces = new();
    private RentedList<Piece> _nextPieces = new();

    /// <summary>The pieces, in order; what lies in no piece is dropped.</summary>
    public ReadOnlySpan<Piece> Pieces => _pieces.Span;

    public ReadOnlySpan<char> TextOf(Piece piece) => _characters.Span.Slice(piece.Start, piece.Length);

    /// <summary>Starts over with a text as one piece.</summary>
    public void Reset(ReadOnlySpan<char> text)
    {
        _characters.Clear();
        _characters.AddRange(text);
        _pieces.Clear();
        _pieces.Add(new Piece(0, text.Length));
    }

    /// <summary>Replaces each piece by what it falls into; empty pieces vanish.</summary>
    public void Split(PieceSplitter splitter)
    {
        _nextPieces.Clear();
        foreach (var piece in Pieces)
        {
            var first = _nextPieces.Count;
            _matches.Clear();
            splitter.Split(TextOf(piece), _matches, _nextPieces);
            foreach (ref var part in _nextPieces.Span[first..])
                part = part with { Start = part.Start + piece.Start };
        }

        (_pieces, _nextPieces) = (_nextPieces, _pieces);
    }

    /// <summary>Rewrites the characters: <paramref name="write"/> appends each piece's new form.</summary>
    public void Rewrite(Action<ReadOnlySpan<char>, RentedList<char>> write)
    {
        _nextCharacters.Clear();
        foreach (ref var piece in _pieces.Span)
        {
            var start = _nextCharacters.Count;
            write(TextOf(piece), _nextCharacters);
            piece = new Piece(start, _nextCharacters.Count - start);
        }

        (_characters, _nextCharacters) = (_nextCharacters, _characters);
    }

    public void Dispose()
    {
        _matches.Dispose();
        _characters.Dispose();
        _nextCharacters.Dispose();
        _pieces.Dispose();
        _nextPieces.Dispose();
    }
}
