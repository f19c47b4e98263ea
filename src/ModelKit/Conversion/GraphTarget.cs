using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Conversion;

/// <summary>What graphs are built from.</summary>
/// <param name="Parameters">The weights.</param>
/// <param name="Normalization">How 8-bit pixels become the encoder's floats.</param>
/// <param name="Precision">The number format.</param>
internal sealed record GraphRequest(FamilyParameters Parameters, Normalization Normalization, ConversionPrecision Precision);

/// <summary>A graph of a layout.</summary>
/// <param name="Name">Its name in the manifest; its file is called so too.</param>
/// <param name="Build">Builds it; graphs are built one after the other, so that one is in memory at a time.</param>
internal sealed record TargetGraph(string Name, Func<OnnxModel> Build);

/// <summary>The builder of a family's graphs for a kind of processor.</summary>
/// <param name="Layout">Name of the graphs' calling convention, in the manifest.</param>
/// <param name="Precisions">The number formats that it builds.</param>
/// <param name="Graphs">The graphs; throws NotSupportedException for parameters that the target has no kernels for.</param>
/// <param name="Done">What is done to the model for a precision, a sentence each, for the manifest.</param>
internal sealed record GraphTarget(
    string Layout,
    IReadOnlyList<ConversionPrecision> Precisions,
    Func<GraphRequest, IReadOnlyList<TargetGraph>> Graphs,
    Func<ConversionPrecision, IReadOnlyList<string>> Done);
