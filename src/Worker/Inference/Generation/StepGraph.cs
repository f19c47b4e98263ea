using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// One step of a decoder as ModelKit builds it for the CPU: the same graph for the first step and all others, keys and values of the image as
/// the encoder made them, those of the tokens in memory that a step writes in place. Knows the names and shapes; a <see cref="StepRun"/>
/// holds a batch's state.
/// </summary>
internal sealed class StepGraph : IDisposable
{
    private const string Mask = "cross_mask";
    private static readonly string[] Plain = ["input_ids", "position", "past_lengths", "total_length"];

    /// <summary>Takes over a session.</summary>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here.</exception>
    public StepGraph(OnnxSession session)
    {
        Session = session;
        IsMasked = session.Inputs.ContainsKey(Mask);
        string[] plain = IsMasked ? [.. Plain, Mask] : Plain;
        Self = [.. Names(session, "past.").Select(name => CacheTensor.Of(session, name, "present" + name["past".Length..], false))];
        Cross = [.. Names(session, "cross.").Select(name => CacheTensor.Of(session, name, "", true))];
        if (!IsMasked && Cross.FirstOrDefault(static tensor => tensor.Positions == 0) is { } strange)
            throw new InvalidDataException($"input {strange.Input} of {session.Name} has not the dimensions of keys or values");
        Inputs = [.. plain, .. Self.Select(static tensor => tensor.Input), .. Cross.Select(static tensor => tensor.Input)];
        Outputs = ["logits", .. Self.Select(static tensor => tensor.Output)];
        session.Expect(name => Inputs.Contains(name));
        foreach (var name in Inputs)
            session.InputType(name, name is "input_ids" or "position" ? TensorElementType.Int64 : plain.Contains(name) ? TensorElementType.Int32 : TensorElementType.Float);
        foreach (var name in Outputs)
            session.FloatOutput(name);
        if (Self.Count == 0 || Self.Count != Cross.Count || session.Outputs["logits"].Dimensions is not [_, _, > 0 and var vocabulary])
            throw new InvalidDataException($"{session.Name} is no step of a decoder with cross attention");
        Vocabulary = vocabulary;
    }

    /// <summary>The graph.</summary>
    public OnnxSession Session { get; }

    /// <summary>Keys and values of the tokens, [rows, heads, capacity, size].</summary>
    public IReadOnlyList<CacheTensor> Self { get; }

    /// <summary>Keys and values of the image, [images, heads, positions, size]; the encoder's outputs have the same names.</summary>
    public IReadOnlyList<CacheTensor> Cross { get; }

    /// <summary>Whether images have different numbers of positions: a mask then tells which are padding.</summary>
    public bool IsMasked { get; }

    /// <summary>All inputs: ids, position, past lengths, total length, the mask if there is one, then the two lists of tensors.</summary>
    public string[] Inputs { get; }

    /// <summary>The logits, then the tokens' keys and values.</summary>
    public string[] Outputs { get; }

    /// <summary>Logits a row.</summary>
    public int Vocabulary { get; }

    /// <inheritdoc/>
    public void Dispose() => Session.Dispose();

    // In the order of the graph, which is that of the layers.
    private static IEnumerable<string> Names(OnnxSession session, string prefix) =>
        session.Inputs.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(static name => name.Length).ThenBy(static name => name, StringComparer.Ordinal);
}
