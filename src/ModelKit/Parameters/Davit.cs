namespace VlWorker.ModelKit.Parameters;

/// <summary>A convolution over [batch, channels, height, width] with a square kernel, the same stride and padding on all sides.</summary>
/// <param name="Weight">[Outputs, Inputs / groups, Kernel, Kernel].</param>
/// <param name="Bias">[Outputs].</param>
/// <param name="Inputs">Channels that go in.</param>
/// <param name="Kernel">Side of the kernel.</param>
/// <param name="Stride">Step in pixels.</param>
/// <param name="Padding">Zeros on each side.</param>
/// <param name="Groups">1, or as many as there are channels: then each has a kernel of its own.</param>
internal sealed record Convolution(float[] Weight, float[] Bias, int Inputs, int Kernel, int Stride, int Padding, int Groups)
{
    /// <summary>Channels that come out.</summary>
    public int Outputs => Bias.Length;

    /// <summary>Pixels of a side after it.</summary>
    public int Side(int side) => Side(side, Kernel, Stride, Padding);

    /// <summary>Pixels of a side after a convolution.</summary>
    public static int Side(int side, int kernel, int stride, int padding) => ((side + (2 * padding) - kernel) / stride) + 1;
}

/// <summary>
/// A block of DaViT over an image's grid of tokens: x += Before(x), x += Output(attention(Norm1(x))), x += Between(x),
/// x += Down(activation(Up(Norm2(x)))). Its attention is either among the tokens of a window or among the channels of a group.
/// </summary>
/// <param name="Before">The convolution in front of the attention, each channel by itself.</param>
/// <param name="Norm1">Before the attention.</param>
/// <param name="Query">[C, C].</param>
/// <param name="Key">[C, C].</param>
/// <param name="Value">[C, C].</param>
/// <param name="Output">[C, C].</param>
/// <param name="Between">The convolution in front of the feed-forward part.</param>
/// <param name="Norm2">Before the feed-forward part.</param>
/// <param name="Up">[C, inner].</param>
/// <param name="Down">[inner, C].</param>
internal sealed record DavitBlock(
    Convolution Before, LayerNorm Norm1, Linear Query, Linear Key, Linear Value, Linear Output, Convolution Between, LayerNorm Norm2, Linear Up, Linear Down);

/// <summary>Two blocks that follow each other.</summary>
/// <param name="Spatial">Looks within windows.</param>
/// <param name="Channel">Looks among channels.</param>
internal sealed record DavitPair(DavitBlock Spatial, DavitBlock Channel);

/// <summary>A stage of DaViT: fewer and wider tokens, then pairs of blocks.</summary>
/// <param name="Patches">Makes the stage's tokens.</param>
/// <param name="NormInFront">Whether the norm is applied to what goes into the convolution; else to what comes out.</param>
/// <param name="Norm">Over the channels.</param>
/// <param name="Heads">Heads of the attention within windows.</param>
/// <param name="Groups">Groups of the attention among channels.</param>
/// <param name="Blocks">The pairs.</param>
internal sealed record DavitStage(
    Convolution Patches, bool NormInFront, LayerNorm Norm, int Heads, int Groups, IReadOnlyList<DavitPair> Blocks);

/// <summary>DaViT, the image tower of Florence-2, with the layers that make tokens of the text model's width of its last stage.</summary>
/// <param name="ImageWidth">Width of the input in pixels.</param>
/// <param name="ImageHeight">Height of the input in pixels.</param>
/// <param name="WindowSize">Side of a window in tokens.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="Stages">The stages.</param>
/// <param name="Columns">[places, half of D]: what a column adds to the first half of a token.</param>
/// <param name="Rows">[places, rest of D]: what a row adds to the rest.</param>
/// <param name="Time">[D]: what an image that is no part of a film adds.</param>
/// <param name="Projection">[D, width of the text model], without bias; the mean of all tokens goes first.</param>
/// <param name="Norm">Behind it.</param>
internal sealed record DavitParameters(
    int ImageWidth,
    int ImageHeight,
    int WindowSize,
    Activation Activation,
    IReadOnlyList<DavitStage> Stages,
    Matrix Columns,
    Matrix Rows,
    float[] Time,
    Linear Projection,
    LayerNorm Norm)
{
    /// <summary>Tokens of an image: the mean and the grid.</summary>
    public int Tokens => 1 + (Sides(ImageWidth) * Sides(ImageHeight));

    private int Sides(int side) => Stages.Aggregate(side, static (left, stage) => stage.Patches.Side(left));
}
