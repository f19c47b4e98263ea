namespace VlWorker.ModelKit.Parameters;

/// <summary>
/// An image encoder: patches to width D, the class token in front, positions, blocks, a norm. Its input are normalised pixels.
/// Hidden states are [1 + patches, D], where patches go row by row, left to right.
/// </summary>
/// <param name="ImageWidth">Width of the input in pixels.</param>
/// <param name="ImageHeight">Height of the input in pixels.</param>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="HiddenSize">D.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="PatchProjection">[3 * PatchSize * PatchSize, D]; the rows in the order channel, y, x.</param>
/// <param name="PatchBias">[D]; null in CLIP.</param>
/// <param name="ClassToken">[D]; empty in SigLIP, which has none: hidden states and positions are then those of the patches alone.</param>
/// <param name="Positions">[1 + patches, D], the class token's first where there is one.</param>
/// <param name="PreNorm">CLIP's <c>pre_layrnorm</c>, between the positions and the first block; null in ViT.</param>
/// <param name="Layers">The blocks.</param>
/// <param name="FinalNorm">ViT: <c>layernorm</c>, over all positions. CLIP: <c>post_layernorm</c>, over the class token alone.</param>
/// <param name="Projection">CLIP's <c>visual_projection</c> [D, projection], applied to the normalised class token; null in ViT.</param>
internal sealed record VisionParameters(
    int ImageWidth,
    int ImageHeight,
    int PatchSize,
    int HiddenSize,
    Activation Activation,
    Matrix PatchProjection,
    float[]? PatchBias,
    float[] ClassToken,
    Matrix Positions,
    LayerNorm? PreNorm,
    IReadOnlyList<EncoderLayer> Layers,
    LayerNorm FinalNorm,
    Matrix? Projection)
{
    /// <summary>
    /// Whether images have any number of patches (SigLIP 2 NaFlex): <see cref="Positions"/>, of the square that width and height tell, are
    /// interpolated for each image.
    /// </summary>
    public bool AnyGrid { get; init; }
}

/// <summary>A GPT-2 decoder with cross attention: token and position embeddings, blocks, a norm, the head.</summary>
/// <param name="HiddenSize">D.</param>
/// <param name="Vocabulary">V, the number of tokens.</param>
/// <param name="MaxPositions">The longest sequence, the start token included.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="TokenEmbedding">[V, D]: <c>wte</c>.</param>
/// <param name="Positions">[MaxPositions, D]: <c>wpe</c>.</param>
/// <param name="Layers">The blocks.</param>
/// <param name="FinalNorm"><c>ln_f</c>.</param>
/// <param name="Head">[V, D]: <c>lm_head</c>, logits = x * transpose(Head); null where it is tied to <paramref name="TokenEmbedding"/>.</param>
internal sealed record DecoderParameters(
    int HiddenSize,
    int Vocabulary,
    int MaxPositions,
    Activation Activation,
    Matrix TokenEmbedding,
    Matrix Positions,
    IReadOnlyList<DecoderLayer> Layers,
    LayerNorm FinalNorm,
    Matrix? Head);

/// <summary>
/// CLIP's text encoder: token and position embeddings, blocks with a causal mask, a norm; the state at argmax(input_ids),
/// where the end token stands, is projected.
/// </summary>
/// <param name="HiddenSize">D.</param>
/// <param name="Vocabulary">V, the number of tokens; the end token has the highest id.</param>
/// <param name="MaxPositions">The longest text in tokens.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="TokenEmbedding">[V, D].</param>
/// <param name="Positions">[MaxPositions, D].</param>
/// <param name="Layers">The blocks.</param>
/// <param name="FinalNorm"><c>final_layer_norm</c>.</param>
/// <param name="Projection"><c>text_projection</c> [D, projection].</param>
internal sealed record TextParameters(
    int HiddenSize,
    int Vocabulary,
    int MaxPositions,
    Activation Activation,
    Matrix TokenEmbedding,
    Matrix Positions,
    IReadOnlyList<EncoderLayer> Layers,
    LayerNorm FinalNorm,
    Matrix Projection);
