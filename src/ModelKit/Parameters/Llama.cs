namespace VlWorker.ModelKit.Parameters;

/// <summary>y = x / sqrt(mean(x^2) + Epsilon) * Gamma over the last axis.</summary>
/// <param name="Gamma">[width].</param>
/// <param name="Epsilon">Added to the mean of the squares.</param>
internal sealed record RmsNorm(float[] Gamma, float Epsilon);

/// <summary>
/// A block of Llama: x += Output(attention(Norm1(x))), x += Down(silu(Gate(Norm2(x))) * Up(Norm2(x))). Queries and keys are rotated by
/// their positions; each head of keys and values serves Heads / KeyHeads heads of queries.
/// </summary>
/// <param name="Norm1">Before the attention: <c>input_layernorm</c>.</param>
/// <param name="Query">[D, Heads * HeadSize].</param>
/// <param name="Key">[D, KeyHeads * HeadSize].</param>
/// <param name="Value">[D, KeyHeads * HeadSize].</param>
/// <param name="Output">[Heads * HeadSize, D].</param>
/// <param name="Norm2">Before the feed-forward part: <c>post_attention_layernorm</c>.</param>
/// <param name="Gate">[D, inner].</param>
/// <param name="Up">[D, inner].</param>
/// <param name="Down">[inner, D].</param>
/// <param name="Heads">Heads of queries.</param>
/// <param name="KeyHeads">Heads of keys and values.</param>
/// <param name="HeadSize">Width of a head.</param>
internal sealed record LlamaLayer(
    RmsNorm Norm1,
    Linear Query,
    Linear Key,
    Linear Value,
    Linear Output,
    RmsNorm Norm2,
    Linear Gate,
    Linear Up,
    Linear Down,
    int Heads,
    int KeyHeads,
    int HeadSize);

/// <summary>A decoder-only text model: token embeddings, blocks, a norm, the head.</summary>
/// <param name="HiddenSize">D.</param>
/// <param name="Vocabulary">V, the number of tokens.</param>
/// <param name="MaxPositions">The longest sequence.</param>
/// <param name="RotaryBase">Position p turns the i-th pair of a head's values by p * RotaryBase^(-2i / HeadSize).</param>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Layers">The blocks.</param>
/// <param name="FinalNorm">Behind the last block.</param>
/// <param name="Head">[V, D]: logits = x * transpose(Head); null where it is tied to <paramref name="TokenEmbedding"/>.</param>
internal sealed record LlamaParameters(
    int HiddenSize,
    int Vocabulary,
    int MaxPositions,
    double RotaryBase,
    Matrix TokenEmbedding,
    IReadOnlyList<LlamaLayer> Layers,
    RmsNorm FinalNorm,
    Matrix? Head);
