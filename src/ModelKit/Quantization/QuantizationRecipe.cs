using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.ModelKit.Quantization;

/// <summary>How the graphs of a model are rewritten.</summary>
internal sealed record QuantizationRecipe
{
    /// <summary>What they become.</summary>
    public QuantizationTarget Target { get; init; } = QuantizationTarget.Int8;

    /// <summary>
    /// Operators to rewrite; null takes all that the target can, convolutions left out: their integers are slow and cost the most accuracy.
    /// </summary>
    public IReadOnlyList<string>? Operators { get; init; }

    /// <summary>Patterns of nodes to leave out, see <see cref="NodeFilter"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>For <see cref="QuantizationTarget.Int8"/>.</summary>
    public DynamicInt8Options Int8 { get; init; } = new();

    /// <summary>For the weight-only targets, which set the bits.</summary>
    public WeightOnlyOptions Weights { get; init; } = new();

    /// <summary>The precision by which the result is found in a folder.</summary>
    public ModelPrecision Precision => Target switch
    {
        QuantizationTarget.Int8 => ModelPrecision.Quantized,
        QuantizationTarget.Weights8 => ModelPrecision.Q8,
        QuantizationTarget.Weights4 => ModelPrecision.Q4,
        _ => ModelPrecision.Fp16,
    };

    /// <summary>The operators that the target can rewrite; none for fp16, which takes them all.</summary>
    public IReadOnlyList<string> Possible => Target switch
    {
        QuantizationTarget.Int8 => DynamicInt8Options.Operators,
        QuantizationTarget.Fp16 => [],
        _ => WeightOnlyOptions.Operators,
    };

    /// <summary>Everything that is wrong with the recipe.</summary>
    public IEnumerable<string> Check()
    {
        if (Operators?.Where(name => !Possible.Contains(name)).ToList() is { Count: > 0 } strange)
            yield return Possible.Count == 0 ? "operators can't be chosen for fp16"
                : $"{string.Join(", ", strange)} can't be rewritten, only {string.Join(", ", Possible)} can";
        foreach (var error in Weights.Check())
            yield return error;
    }

    /// <summary>One sentence that says what was done, for the manifest.</summary>
    public string Describe() => Target switch
    {
        QuantizationTarget.Int8 => $"dynamic int8: {(Int8.Signed ? "signed" : "unsigned")} weights, {(Int8.PerChannel ? "a scale a channel" : "a scale a tensor")}"
            + (Int8.ReduceRange ? ", 7 bits" : string.Empty),
        QuantizationTarget.Fp16 => "16-bit floats, with 32-bit ones where 16 bits can't hold the values",
        _ => FormattableString.Invariant($"weights of {Bits} bits in blocks of {Weights.BlockSize}, {(Weights.Symmetric ? "symmetric" : "with zero points")}, accuracy level {Weights.AccuracyLevel}"),
    };

    /// <summary>The filter of nodes; one for all graphs, so that it knows which patterns matched somewhere.</summary>
    public NodeFilter Filter() => new([.. Operators ?? Possible.Where(name => name != "Conv")], Exclude);

    /// <summary>Rewrites a graph in place.</summary>
    /// <param name="model">The graph.</param>
    /// <param name="filter">What <see cref="Filter"/> gave.</param>
    /// <param name="measured">For fp16: values of the graph as calibration gave them.</param>
    /// <exception cref="InvalidDataException">It can't be rewritten.</exception>
    public QuantizationSummary Apply(OnnxModel model, NodeFilter filter, IReadOnlyDictionary<string, ValueRange>? measured) => Target switch
    {
        QuantizationTarget.Int8 => new GraphQuantizer(new DynamicInt8Scheme(Int8), filter).Run(model),
        QuantizationTarget.Fp16 => new HalfConverter(new HalfOptions(measured, filter)).Run(model),
        _ => new GraphQuantizer(new WeightOnlyScheme(Weights with { Bits = Bits }), filter).Run(model),
    };

    private int Bits => Target == QuantizationTarget.Weights8 ? 8 : 4;
}
