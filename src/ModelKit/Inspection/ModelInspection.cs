namespace VlWorker.ModelKit.Inspection;

/// <summary>What a model folder holds, what running it costs, and what optimising it would do.</summary>
/// <param name="Folder">Full path.</param>
/// <param name="Family">The family's name.</param>
/// <param name="Kinds">What there is: checkpoint, export, optimised.</param>
/// <param name="Precisions">The precisions of its graphs, the one in use first.</param>
/// <param name="Graphs">The graphs in use; none for a checkpoint.</param>
/// <param name="Parts">Towers and the work that they are.</param>
/// <param name="Memory">Memory by batch size.</param>
/// <param name="Done">What was done to an optimised model, a sentence each.</param>
/// <param name="Offers">What optimising would do.</param>
public sealed record ModelInspection(
    string Folder,
    string Family,
    IReadOnlyList<string> Kinds,
    IReadOnlyList<string> Precisions,
    IReadOnlyList<GraphFacts> Graphs,
    IReadOnlyList<PartFacts> Parts,
    IReadOnlyList<MemoryFacts> Memory,
    IReadOnlyList<string> Done,
    IReadOnlyList<OptimizationOffer> Offers)
{
    /// <summary>Parameters of all parts.</summary>
    public long Parameters => Parts.Sum(static part => part.Parameters);

    /// <summary>Floating-point operations of one image with its caption, or of one image without a text.</summary>
    public long FlopsPerImage => Parts.Where(static part => part.OfImage).Sum(static part => part.Flops);
}

/// <summary>A graph's file.</summary>
/// <param name="Name">Its name in the layout.</param>
/// <param name="File">Path below the folder.</param>
/// <param name="Bytes">Size, external data included.</param>
/// <param name="Opset">Version of ONNX's operators.</param>
/// <param name="Producer">The program that wrote it.</param>
/// <param name="Nodes">Operators, those in branches included.</param>
/// <param name="Inputs">Inputs, each as "name type [shape]".</param>
/// <param name="Outputs">Outputs, each as "name type [shape]".</param>
/// <param name="WeightBytes">Bytes of constants by element type.</param>
public sealed record GraphFacts(
    string Name,
    string File,
    long Bytes,
    long Opset,
    string Producer,
    int Nodes,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    IReadOnlyDictionary<string, long> WeightBytes);

/// <summary>A part of the model and its work.</summary>
/// <param name="Name">encoder, decoder, vision or text.</param>
/// <param name="Parameters">Its parameters; a tied head counts once.</param>
/// <param name="Flops">Floating-point operations (a multiply-add is two) for what <paramref name="Unit"/> says.</param>
/// <param name="Unit">What the work is for: an image, a caption of so many tokens, a text of so many tokens.</param>
/// <param name="OfImage">Whether an image needs it; an embedder's text tower is none of an image.</param>
public sealed record PartFacts(string Name, long Parameters, long Flops, string Unit, bool OfImage);

/// <summary>Memory of a batch, without what the engine needs for intermediate values.</summary>
/// <param name="Batch">Rows.</param>
/// <param name="WeightBytes">The weights.</param>
/// <param name="CacheBytes">Keys and values of all rows.</param>
/// <param name="BytesPerImage">Bytes of weights and cache that are read for each image: weights once for all rows of a batch.</param>
public sealed record MemoryFacts(int Batch, long WeightBytes, long CacheBytes, long BytesPerImage);

/// <summary>What <c>convert</c> or <c>optimize</c> would make of the model.</summary>
/// <param name="Target">cpu or cuda.</param>
/// <param name="Precision">fp32, fp16 or int8.</param>
/// <param name="Layout">The graphs' calling convention.</param>
/// <param name="Done">What would be done, a sentence each.</param>
public sealed record OptimizationOffer(string Target, string Precision, string Layout, IReadOnlyList<string> Done);
