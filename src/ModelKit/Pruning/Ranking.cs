namespace VlWorker.ModelKit.Pruning;

/// <summary>Chooses which groups of a tower's blocks stay.</summary>
internal static class Ranking
{
    /// <summary>For each block the groups that stay, ascending.</summary>
    /// <param name="scores">For each block the magnitude of each group.</param>
    /// <param name="share">Share of the groups that go, rounded down.</param>
    /// <param name="global">Whether the weakest of all blocks go, measured against the mean of their own block, else the weakest of each.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Keep(IReadOnlyList<double[]> scores, double share, bool global)
    {
        var going = scores.Select(_ => new HashSet<int>()).ToList();
        var ranked = scores.SelectMany((block, b) =>
            block.Select((score, group) => (Block: b, Group: group, Score: global ? score / Mean(block) : score)));
        foreach (var tower in global ? [[.. ranked]] : ranked.GroupBy(entry => entry.Block).Select(block => block.ToList()))
        {
            // A little more than the product: 0.3 of 10 are 3 and not 2.
            var count = (int)((share * tower.Count) + 1e-9);
            foreach (var (block, group, _) in tower.OrderBy(entry => entry.Score).ThenBy(entry => entry.Group))
            {
                if (count == 0)
                    break;
                if (going[block].Count == scores[block].Length - 1)
                    continue;
                going[block].Add(group);
                count--;
            }
        }

        return [.. scores.Select((block, b) => (IReadOnlyList<int>)[.. Enumerable.Range(0, block.Length).Where(group => !going[b].Contains(group))])];
    }

    // Blocks differ in the size of their weights, not in their right to have any.
    private static double Mean(double[] scores) => scores.Average() is > 0 and var mean ? mean : 1;
}
