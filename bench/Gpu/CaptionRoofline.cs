using VlWorker.Inference.Families.Captioning.Cuda;

namespace VlWorker.Bench.Gpu;

/// <summary>What the arithmetic and the memory traffic of ViT-base with GPT-2 must take, against what they take.</summary>
internal static class CaptionRoofline
{
    private const double Width = 768;
    private const double Positions = 197;
    private const double Layers = 12;
    private const double Vocabulary = 50257;

    // Measured on an H200: 8192 x 8192 x 8192 in 16 bits, and a copy on the device.
    private const double Operations = 790e12;
    private const double Bytes = 4.3e12;

    /// <summary>A table of the stages of one batch.</summary>
    public static string Describe(CudaCaptionEngine engine, int batch, int tokens)
    {
        var (encoder, step) = engine.Stages(batch, tokens);
        // Twelve products of width x width in a block (four of attention, eight of the feed-forward part), and the attention itself.
        var image = Positions * ((Layers * ((12 * Width * Width) + (2 * Positions * Width))) + (Width * Width) + (Layers * 2 * Width * Width)) * 2;
        var encoderFloor = batch * image / Operations * 1e3;
        var weights = ((Layers * 14 * Width * Width) + (Vocabulary * Width)) * 2;
        var cross = batch * Layers * 2 * Positions * Width * 2;
        var stepFloor = (weights + cross) / Bytes * 1e3;
        return string.Join('\n',
        [
            FormattableString.Invariant($"Stages of a batch of {batch} by itself; floors at {Operations / 1e12:0} TFLOP/s and {Bytes / 1e12:0.0} TB/s:"),
            string.Empty,
            "| stage | ms | floor, ms | share of the roofline |",
            "|---|---|---|---|",
            FormattableString.Invariant($"| copy, encoder, keys and values of the image | {encoder:0.00} | {encoderFloor:0.00} (arithmetic) | {encoderFloor / encoder:0.00} |"),
            FormattableString.Invariant($"| one step | {step:0.000} | {stepFloor:0.000} (weights {weights / Bytes * 1e3:0.000}, keys and values of the image {cross / Bytes * 1e3:0.000}) | {stepFloor / step:0.00} |"),
            FormattableString.Invariant($"| all {tokens} steps | {step * tokens:0.00} | {stepFloor * tokens:0.00} | {stepFloor / step:0.00} |"),
            FormattableString.Invariant($"| whole | {encoder + (step * tokens):0.00} | {encoderFloor + (stepFloor * tokens):0.00} | {(encoderFloor + (stepFloor * tokens)) / (encoder + (step * tokens)):0.00} |"),
        ]);
    }
}
