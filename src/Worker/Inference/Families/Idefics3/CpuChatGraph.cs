using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>
/// A decoder over embeddings as ModelKit builds it for the CPU: whole prompts or a token of each row, logits of the last position, and a cache
/// that is written in place. Knows the names and shapes; a <see cref="CpuChatRun"/> holds a batch's state.
/// </summary>
internal sealed class CpuChatGraph : IDisposable
{
    private const string Past = "past.";
    private static readonly string[] Plain = ["inputs_embeds", "past_lengths", "total_length"];

    /// <summary>Takes over the sessions.</summary>
    /// <param name="session">The decoder.</param>
    /// <param name="embedder">Makes the embeddings of tokens.</param>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here.</exception>
    public CpuChatGraph(OnnxSession session, TokenEmbedder embedder)
    {
        (Session, Embedder) = (session, embedder);
        Cache = [.. session.Inputs.Keys.Where(static name => name.StartsWith(Past, StringComparison.Ordinal))
            .Select(name => CacheTensor.Of(session, name, "present" + name[(Past.Length - 1)..], false))];
        Inputs = [.. Plain, .. Cache.Select(static tensor => tensor.Input)];
        Outputs = ["logits", .. Cache.Select(static tensor => tensor.Output)];
        session.Expect(name => Inputs.Contains(name));
        foreach (var name in Inputs)
            session.InputType(name, name == Plain[1] || name == Plain[2] ? TensorElementType.Int32 : TensorElementType.Float);
        foreach (var name in Outputs)
            session.FloatOutput(name);
        if (Cache.Count == 0 || session.Outputs["logits"].Dimensions is not [_, > 0 and var vocabulary] || session.Inputs[Plain[0]].Dimensions[^1] != embedder.Width)
            throw new InvalidDataException($"{session.Name} is no decoder over embeddings of {embedder.Width} values");
        Vocabulary = vocabulary;
    }

    /// <summary>The decoder.</summary>
    public OnnxSession Session { get; }

    /// <summary>Makes the embeddings of tokens.</summary>
    public TokenEmbedder Embedder { get; }

    /// <summary>Keys and values of the tokens, [rows, heads, capacity, size].</summary>
    public IReadOnlyList<CacheTensor> Cache { get; }

    /// <summary>All inputs: embeddings, lengths, the longest length, then the cache.</summary>
    public string[] Inputs { get; }

    /// <summary>The logits, then the cache.</summary>
    public string[] Outputs { get; }

    /// <summary>Logits a row.</summary>
    public int Vocabulary { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Session.Dispose();
        Embedder.Dispose();
    }
}
