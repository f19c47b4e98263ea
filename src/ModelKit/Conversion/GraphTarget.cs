using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Conversion;

/// <summary>What graphs are built from.</summary>
/// <param name="Parameters">The weights.</param>
/// <param name="Normalization">How 8-bit pixels become the encoder's floats.</param>
/// <param name="Precision">The number format.</param>
/// <param name="NoRepeatNgramSize">Length of the n-grams that generated tokens repeat none of by default; 0 is off.</param>
internal sealed record GraphRequest(
    FamilyParameters Parameters, Normalization Normalization, ConversionPrecision Precision, int NoRepeatNgramSize = 0);

/// <summary>The builder of graphs for a kind of processor.</summary>
/// <param name="Layout">Name of the graphs' calling convention, in the manifest.</param>
/// <param name="Precisions">The number formats that it builds.</param>
/// <param name="Build">
/// Builds the graphs of a family by their names in the layout, one after the other; NotSupportedException for parameters that the target has
/// no kernels for.
/// </param>
/// <param name="Done">What is done to a family's model for a precision, a sentence each, for the manifest.</param>
internal sealed record GraphTarget(
    string Layout,
    IReadOnlyList<ConversionPrecision> Precisions,
    Func<GraphRequest, IEnumerable<(string Name, OnnxModel Model)>> Build,
    Func<ModelFamily, ConversionPrecision, IReadOnlyList<string>> Done);
