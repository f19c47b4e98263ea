namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>The formats of a model's linear layers on a CPU. Everything between them is 32-bit floats.</summary>
/// <param name="Encoder">Of the towers that see a whole image or text at once.</param>
/// <param name="Decoder">Of the blocks that see one token of each row.</param>
/// <param name="Head">Of the layer that makes the logits.</param>
internal sealed record CpuPrecision(LinearFormat Encoder, LinearFormat Decoder, LinearFormat Head)
{
    /// <summary>Nothing is rounded.</summary>
    public static CpuPrecision Fp32 { get; } = new(LinearFormat.Float, LinearFormat.Float, LinearFormat.Float);

    /// <summary>
    /// Images are encoded one at a time, so that one scale for the whole input mixes nothing; where rows of several images
    /// meet, each has scales of its own.
    /// </summary>
    public static CpuPrecision Int8 { get; } = new(LinearFormat.Int8, LinearFormat.Int8Rows, LinearFormat.Int8Rows);
}
