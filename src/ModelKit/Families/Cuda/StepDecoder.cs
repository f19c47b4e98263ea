using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>What a captioner's decoder is made of, whatever its family calls it.</summary>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[longest sequence, D].</param>
/// <param name="EmbeddingNorm">Behind the sum of the two; null where the first block's norm stands there.</param>
/// <param name="Layers">The blocks: all with their norms in front, or all with their norms behind.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="FinalNorm">Behind the last block; null where that block's own norm stands there.</param>
/// <param name="Head">From there to the vocabulary's scores.</param>
internal sealed record StepDecoder(
    Matrix TokenEmbedding,
    Matrix Positions,
    LayerNorm? EmbeddingNorm,
    IReadOnlyList<DecoderLayer> Layers,
    Activation Activation,
    LayerNorm? FinalNorm,
    VocabularyHead Head)
{
    /// <summary>Length of the n-grams that must not repeat; 0 is off.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Those that a step keeps from repeating itself: for that the logits need a column that means no token.</summary>
    public int Ngrams => Head.Columns > Head.Vocabulary ? NoRepeatNgramSize : 0;
}

/// <summary>Logits = x * transpose(Weight) + Bias.</summary>
/// <param name="Weight">[V, D].</param>
/// <param name="Bias">[V]; null where there is none.</param>
/// <param name="Transform">What comes before, as in BERT; null where nothing does.</param>
internal sealed record VocabularyHead(Matrix Weight, float[]? Bias, HeadTransform? Transform)
{
    /// <summary>V, the number of tokens.</summary>
    public int Vocabulary => Weight.Rows;

    /// <summary>Columns of the logits: what is added to the vocabulary never wins.</summary>
    public int Columns => CandidateHead.Columns(Vocabulary);
}

/// <summary>Norm(activation(Dense(x))).</summary>
/// <param name="Dense">[D, D].</param>
/// <param name="Activation">Behind it.</param>
/// <param name="Norm">Behind that.</param>
internal sealed record HeadTransform(Linear Dense, Activation Activation, LayerNorm Norm);
