namespace VlWorker.ModelKit.Pruning;

/// <summary>Which parts of the blocks go.</summary>
/// <param name="Heads">Share of the attention heads, from 0 to below 1.</param>
/// <param name="Neurons">Share of the feed-forward neurons, from 0 to below 1.</param>
/// <param name="Global">The weakest of a whole tower go, else each block loses the same share. Each block keeps at least one of each.</param>
internal sealed record StructuredPruningOptions(double Heads, double Neurons, bool Global)
{
    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (!(Heads is >= 0 and < 1) || !(Neurons is >= 0 and < 1))
            yield return "the shares of heads and neurons must be from 0 to below 1";
        else if (Heads == 0 && Neurons == 0)
            yield return "neither heads nor neurons are to go";
    }

    /// <summary>One sentence for the manifest.</summary>
    public string Describe() => FormattableString.Invariant(
        $"Pruned by magnitude: {Heads:p0} of the attention heads and {Neurons:p0} of the feed-forward neurons, {(Global ? "over each tower" : "in each block")}.");
}
