namespace VlWorker.Bench.Gpu;

/// <summary>How far answers agree: from a row's first difference on it goes another way, and is not compared any more.</summary>
/// <param name="Rows">Rows that were compared.</param>
/// <param name="Whole">Rows with the same tokens throughout.</param>
/// <param name="Share">Tokens that are equal, of those up to each row's first difference.</param>
internal sealed record TokenAgreement(int Rows, int Whole, double Share)
{
    /// <summary>Compares answers with others, row by row, as far as both go.</summary>
    public static TokenAgreement Of(IReadOnlyList<int[]> ours, IReadOnlyList<int[]> theirs)
    {
        var (rows, equal, compared, whole) = (Math.Min(ours.Count, theirs.Count), 0, 0, 0);
        for (var row = 0; row < rows; row++)
        {
            var same = ours[row].AsSpan().CommonPrefixLength(theirs[row]);
            // An answer that goes on where the other ends differs there.
            var longer = Math.Max(ours[row].Length, theirs[row].Length);
            whole += same == longer ? 1 : 0;
            (equal, compared) = (equal + same, compared + Math.Min(longer, same + 1));
        }

        return new TokenAgreement(rows, whole, (double)equal / compared);
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Whole} of {Rows} rows, {Share:0.0000} of tokens up to a row's first difference");
}
