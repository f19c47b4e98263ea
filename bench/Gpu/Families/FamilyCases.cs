namespace VlWorker.Bench.Gpu.Families;

/// <summary>The models that are raced. Token ids are of the published tokenizers; the weights are random, so any would do.</summary>
internal static class FamilyCases
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FamilyCase> All { get; } = [BlipCase.Greedy, BlipCase.Beams, FlorenceCase.Greedy, FlorenceCase.Published, ChatCase.Whole, ChatCase.Split];
}
