namespace VlWorker.ModelKit.Parameters;

/// <summary>
/// BERT as BLIP reads a question with it: as <see cref="BertParameters"/> without the head, and every position sees all others.
/// </summary>
/// <param name="Activation">Of the blocks.</param>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[longest question, D].</param>
/// <param name="EmbeddingNorm">Behind the sum of the two.</param>
/// <param name="Layers">The blocks, which attend to the image's states.</param>
internal sealed record BertEncoderParameters(
    Activation Activation, Matrix TokenEmbedding, Matrix Positions, LayerNorm EmbeddingNorm, IReadOnlyList<DecoderLayer> Layers);

/// <summary>
/// BERT as BLIP decodes with it: token and position embeddings, a norm, blocks with cross attention whose norms stand behind their parts, and a head
/// of a layer, an activation, a norm and the vocabulary's scores.
/// </summary>
/// <param name="HiddenSize">D.</param>
/// <param name="Vocabulary">V, the number of tokens.</param>
/// <param name="MaxPositions">The longest sequence, the start token included.</param>
/// <param name="Activation">Of the blocks and of the head.</param>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[MaxPositions, D].</param>
/// <param name="EmbeddingNorm">Behind the sum of the two.</param>
/// <param name="Layers">The blocks.</param>
/// <param name="Transform">[D, D]: <c>cls.predictions.transform.dense</c>.</param>
/// <param name="TransformNorm"><c>cls.predictions.transform.LayerNorm</c>.</param>
/// <param name="Head">[V, D]: logits = x * transpose(Head) + HeadBias; the same matrix as <paramref name="TokenEmbedding"/> where they are equal.</param>
/// <param name="HeadBias">[V].</param>
internal sealed record BertParameters(
    int HiddenSize,
    int Vocabulary,
    int MaxPositions,
    Activation Activation,
    Matrix TokenEmbedding,
    Matrix Positions,
    LayerNorm EmbeddingNorm,
    IReadOnlyList<DecoderLayer> Layers,
    Linear Transform,
    LayerNorm TransformNorm,
    Matrix Head,
    float[] HeadBias);
