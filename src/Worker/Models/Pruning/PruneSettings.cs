using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Pruning;

namespace VlWorker.Models.Pruning;

/// <summary>What the user asked to be pruned, and how.</summary>
/// <param name="Folder">The model folder.</param>
/// <param name="Out">The folder to make.</param>
internal sealed record PruneSettings(string Folder, string Out)
{
    /// <summary>Share of single weights; null prunes heads and neurons.</summary>
    public double? Sparsity { get; init; }

    /// <summary>Shares of heads and neurons; its <see cref="StructuredPruningOptions.Global"/> counts for single weights too.</summary>
    public StructuredPruningOptions Structured { get; init; } = new(0, 0, false);

    /// <summary>Operators whose single weights are pruned.</summary>
    public IReadOnlyList<string> Operators { get; init; } = ["MatMul", "Gemm"];

    /// <summary>Patterns of nodes to leave out.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Whether graphs that are there may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>What a model without some heads and neurons becomes.</summary>
    public ConversionOptions Conversion { get; init; } = new(ConversionTarget.Cpu, ConversionPrecision.Fp32);

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Sparsity is null)
        {
            foreach (var error in Structured.Check())
                yield return $"{error} (--heads, --neurons; or --sparsity)";
            if (Exclude.Count > 0)
                yield return "--exclude goes with --sparsity only";
            yield break;
        }

        if (!(Sparsity is >= 0 and <= 1))
            yield return "--sparsity is outside 0 to 1";
        if (Structured.Heads != 0 || Structured.Neurons != 0)
            yield return "--sparsity does not go with --heads and --neurons: prune in two steps, single weights first";
        if (Operators.FirstOrDefault(name => !MagnitudePruning.Operators.Contains(name)) is { } strange)
            yield return $"weights of {strange} can't be pruned, only those of {string.Join(", ", MagnitudePruning.Operators)}";
    }
}
