namespace VlWorker.Inference.Tokenizing.PreTokenizers;

/// <summary>What becomes of the matches when a text is split by a pattern.</summary>
internal enum SplitBehavior
{
    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>Each match is a piece of its own.</summary>
    Isolated,

    /// <summary>A match belongs to the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match belongs to the piece after it.</summary>
    MergedWithNext,

    /// <summary>Adjacent matches are one piece.</summary>
    Contiguous,
}

/// <summary>Splits a piece by a pattern, as Hugging Face's tokenizers do.</summary>
/// <param name="pattern">What to look for.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Takes what lies between the matches for the matches.</param>
internal sealed class PieceSplitter(RuneRegex pattern, SplitBehavior behavior, bool invert)
{
    /// <summary>Appends the pieces of a text, positions counted from its start.</summary>
    public void Split(ReadOnlySpan<char> text, RentedList<Piece> matches, RentedList<Piece> to)
    {
        pattern.Match(text, matches);
        var first = to.Count;
        var position = 0;
        var previousMatched = false;
        foreach (var match in matches.Span)
        {
            if (match.Start > position)
                Add(new Piece(position, match.Start - position), matched: invert, ref previousMatched, first, to);
            Add(match, matched: !invert, ref previousMatched, first, to);
            position = match.Start + match.Length;
        }

        if (position < text.Length)
            Add(new Piece(position, text.Length - position), matched: invert, ref previousMatched, first, to);
    }

    private void Add(Piece part, bool matched, ref bool previousMatched, int first, RentedList<Piece> to)
    {
        var joins = to.Count > first && behavior switch
        {
            SplitBehavior.MergedWithPrevious => matched && !previousMatched,
            SplitBehavior.MergedWithNext => !matched && previousMatched,
            SplitBehavior.Contiguous => matched == previousMatched,
            _ => false,
        };
        previousMatched = matched;
        if (joins)
            to.Span[^1] = to.Span[^1] with { Length = to.Span[^1].Length + part.Length };
        else if (part.Length > 0 && !(matched && behavior == SplitBehavior.Removed))
            to.Add(part);
    }
}
