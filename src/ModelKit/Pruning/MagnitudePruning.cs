using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;

namespace VlWorker.ModelKit.Pruning;

/// <summary>
/// Unstructured pruning: the weights of least magnitude (L1) become 0. The matrices keep their shape, so neither the file nor the engine gets
/// smaller or faster by it; the file compresses better.
/// </summary>
/// <param name="sparsity">Share of the weights that become 0, from 0 to 1.</param>
/// <param name="global">One threshold for all matrices of a graph, else each loses the same share.</param>
/// <param name="filter">Which operators' weights are pruned.</param>
internal sealed class MagnitudePruning(double sparsity, bool global, NodeFilter filter)
{
    /// <summary>The operators whose weights can be pruned.</summary>
    public static IReadOnlyList<string> Operators { get; } = ["MatMul", "Gemm", "Gather", "Conv"];

    /// <summary>Prunes a graph in place, the weights of its branches too.</summary>
    /// <exception cref="InvalidDataException">A weight is not a 32-bit float.</exception>
    public PruningSummary Run(OnnxModel model)
    {
        var weights = Find(model);
        var values = weights.ToDictionary(weight => weight, weight => TensorField.Read(weight.Tensor).ToFloats());
        var threshold = global ? Cut([.. values.Values.SelectMany(floats => floats)]) : default;
        long zeros = 0, count = 0;
        foreach (var (weight, floats) in values)
        {
            var kept = Prune(floats, global ? threshold : Cut(floats));
            Replace(weight.Tensor, kept);
            (zeros, count) = (zeros + kept.LongCount(value => value == 0), count + kept.LongLength);
        }

        return new PruningSummary(weights.Count, count, zeros);
    }

    // A weight that several nodes share, such as the branches of a merged decoder, is pruned once.
    private List<ScopedConstant> Find(OnnxModel model)
    {
        var found = new Dictionary<TensorProto, ScopedConstant>(ReferenceEqualityComparer.Instance);
        foreach (var scope in GraphScope.All(model))
        {
            foreach (var site in scope.Graph.Node.Select(node => WeightSite.Find(scope, node)).OfType<WeightSite>())
            {
                if (!filter.Operators.Contains(site.Operator) || filter.Excluding(site.Node.Name, site.Weight.Name, site.Node.Output[0]) is not null)
                    continue;
                if ((ElementType)site.Weight.Tensor.DataType != ElementType.Float)
                    throw new InvalidDataException($"the weight {site.Weight.Name} is {(ElementType)site.Weight.Tensor.DataType}: start from 32-bit floats");
                found.TryAdd(site.Weight.Tensor, site.Weight);
            }
        }

        return [.. found.Values];
    }

    /// <summary>
    /// The magnitude at the wanted rank, and how many weights of just this magnitude go: equal weights must not take more than the share
    /// with them.
    /// </summary>
    private (float Magnitude, long Ties) Cut(float[] values)
    {
        var wanted = (long)Math.Round(sparsity * values.LongLength);
        if (wanted == 0)
            return (0, 0);
        var magnitudes = Array.ConvertAll(values, MathF.Abs);
        Array.Sort(magnitudes);
        var cut = magnitudes[wanted - 1];
        return (cut, wanted - magnitudes.LongCount(magnitude => magnitude < cut));
    }

    private static float[] Prune(float[] values, (float Magnitude, long Ties) cut)
    {
        var ties = cut.Ties;
        return Array.ConvertAll(values, value => MathF.Abs(value) < cut.Magnitude || (MathF.Abs(value) == cut.Magnitude && ties-- > 0) ? 0 : value);
    }

    private static void Replace(TensorProto tensor, float[] values)
    {
        var fresh = TensorField.Write(Tensor.FromFloats(values, tensor.Dims.ToArray()), tensor.Name);
        tensor.FloatData.Clear();
        tensor.RawData = fresh.RawData;
    }
}

/// <summary>What unstructured pruning did to a graph.</summary>
/// <param name="Weights">Matrices.</param>
/// <param name="Count">Their elements.</param>
/// <param name="Zeros">Elements that are 0 now.</param>
internal sealed record PruningSummary(int Weights, long Count, long Zeros)
{
    /// <summary>Share of zeros.</summary>
    public double Sparsity => Count == 0 ? 0 : (double)Zeros / Count;
}
