using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>The graph <c>embed_tokens</c>: token ids in, their embeddings out; for decoders that take embeddings in place of ids.</summary>
internal sealed class TokenEmbedder : IDisposable
{
    private static readonly string[] Input = ["input_ids"];
    private static readonly string[] Output = ["inputs_embeds"];
    private readonly OnnxSession _session;

    /// <summary>Takes over a session.</summary>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here.</exception>
    public TokenEmbedder(OnnxSession session)
    {
        session.Expect(name => name == Input[0]);
        IdType = session.InputType(Input[0], TensorElementType.Int64, TensorElementType.Int32);
        session.FloatOutput(Output);
        _session = session;
        Width = session.Outputs[Output[0]].Dimensions[^1] is > 0 and var width ? width
            : throw new InvalidDataException($"{session.Name} does not say how wide its embeddings are");
    }

    /// <summary>Floats a token.</summary>
    public int Width { get; }

    /// <summary>Type of the ids.</summary>
    public TensorElementType IdType { get; }

    /// <summary>Embeds rows of tokens.</summary>
    /// <param name="ids">[rows, length], of <see cref="IdType"/>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="length">Tokens a row.</param>
    /// <param name="target">Receives [rows, length, width]; grows as needed.</param>
    public void Embed(TensorBuffer ids, int rows, int length, TensorBuffer target)
    {
        target.Reserve((long)rows * length * Width * sizeof(float));
        using var input = OnnxSession.Tensor(ids, IdType, rows, length);
        using var output = OnnxSession.Tensor(target, TensorElementType.Float, rows, length, Width);
        _session.Run(Input, [input], Output, [output]);
    }

    /// <summary>Embeds the prompts of a batch, the shorter ones filled up with token 0.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="padLeft">Whether shorter ones are filled up on the left, as decoders want it; else on the right, as encoders do.</param>
    /// <param name="ids">Memory for the ids.</param>
    /// <param name="target">Receives [rows, longest prompt, width]; grows as needed.</param>
    public void Embed(PromptBatch prompts, bool padLeft, TensorBuffer ids, TensorBuffer target)
    {
        TokenIds.Write(prompts, prompts.Longest, padLeft, IdType, ids);
        Embed(ids, prompts.Count, prompts.Longest, target);
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();
}
