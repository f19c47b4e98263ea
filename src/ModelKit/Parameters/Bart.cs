namespace VlWorker.ModelKit.Parameters;

/// <summary>
/// BART: an encoder and a decoder with cross attention. The norms of its blocks stand behind their parts: x = Norm1(x + attention(x)) and so on.
/// </summary>
/// <param name="HiddenSize">D.</param>
/// <param name="Vocabulary">V, the number of tokens.</param>
/// <param name="MaxPositions">The longest sequence, of the encoder and of the decoder.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="EmbeddingScale">What the embeddings of tokens are multiplied by.</param>
/// <param name="Encoder">The encoder.</param>
/// <param name="Decoder">The decoder.</param>
/// <param name="Head">[V, D]: logits = x * transpose(Head).</param>
internal sealed record BartParameters(
    int HiddenSize,
    int Vocabulary,
    int MaxPositions,
    Activation Activation,
    float EmbeddingScale,
    BartEncoder Encoder,
    BartDecoder Decoder,
    Matrix Head)
{
    /// <summary>A table of embeddings with what it is multiplied by inside.</summary>
    public Matrix Scaled(Matrix table) => EmbeddingScale == 1 ? table
        : new Matrix(table.Rows, table.Columns, Array.ConvertAll(table.Values, value => value * EmbeddingScale));
}

/// <summary>BART's encoder.</summary>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[MaxPositions, D], without the two rows that BART's tables begin with.</param>
/// <param name="EmbeddingNorm">Behind the sum of the two.</param>
/// <param name="Layers">The blocks.</param>
internal sealed record BartEncoder(Matrix TokenEmbedding, Matrix Positions, LayerNorm EmbeddingNorm, IReadOnlyList<EncoderLayer> Layers);

/// <summary>BART's decoder.</summary>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[MaxPositions, D], without the two rows that BART's tables begin with.</param>
/// <param name="EmbeddingNorm">Behind the sum of the two.</param>
/// <param name="Layers">The blocks.</param>
internal sealed record BartDecoder(Matrix TokenEmbedding, Matrix Positions, LayerNorm EmbeddingNorm, IReadOnlyList<DecoderLayer> Layers);
