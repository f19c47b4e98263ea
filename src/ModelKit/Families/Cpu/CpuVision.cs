using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>
/// The way from 8-bit pixels into an image encoder: patches are rows of a matrix, rescaling and normalisation are part of the projection's
/// weights and bias.
/// </summary>
internal static class CpuVision
{
    /// <summary>
    /// uint8 [batch, 1 + patches, PatchSize * PatchSize * 3]: patches row by row, left to right, each in the order y, x, channel as the image's
    /// own bytes come; the first row, which stands for the class token, is filled with <see cref="Middle"/>. Models without a class token are
    /// given it all the same, so that one writer does for all, and leave it out.
    /// </summary>
    public const string Patches = "patches";

    /// <summary>
    /// Where an image may have any grid of patches, two more inputs beside <see cref="Patches"/> of batch 1: float [rows of patches, rows of learned
    /// positions], the weights of the one in the other, and the same for columns.
    /// </summary>
    public const string RowWeights = "row_weights";

    /// <summary>See <see cref="RowWeights"/>.</summary>
    public const string ColumnWeights = "column_weights";

    /// <summary>The byte that stands for zero: grey, so that what rounding the weights costs grows with contrast, not with brightness.</summary>
    public const byte Middle = 128;

    /// <summary>Adds the input and the embeddings.</summary>
    /// <returns>float [batch, positions, D]: what goes into the first block.</returns>
    public static string Embed(GraphBuilder graph, CpuBlocks blocks, VisionParameters vision, Normalization normalization, LinearFormat format)
    {
        var (positions, area) = (vision.Positions.Rows, vision.PatchSize * vision.PatchSize);
        var own = vision.ClassToken.Length == 0 ? 1 : 0;
        var input = graph.Input(Patches, ElementType.UInt8, "batch", vision.AnyGrid ? "rows" : positions + own, area * 3);
        if (own > 0)
            input = graph.Node("Slice", [input, Numbers(graph, 1), Numbers(graph, int.MaxValue), Numbers(graph, 1)]);
        var projected = blocks.Linears.ApplyToIntegers(input, Middle, PixelProjection(vision, normalization), format);
        var offsets = Offsets(vision, normalization);
        var states = graph.Node("Add", [projected, vision.AnyGrid
            ? Interpolated(graph, vision, offsets) : graph.Constant(Tensor.FromFloats(offsets, [1, positions, vision.HiddenSize]))]);
        return vision.PreNorm is { } norm ? blocks.Norm(states, norm) : states;
    }

    /// <summary>The whole tower, all positions: <see cref="Embed"/>, the blocks, the norm.</summary>
    /// <returns>float [batch, positions, D].</returns>
    public static string Encode(GraphBuilder graph, CpuBlocks blocks, VisionParameters vision, Normalization normalization, LinearFormat format)
    {
        var states = Embed(graph, blocks, vision, normalization, format);
        foreach (var layer in vision.Layers)
            states = blocks.Encode(states, layer, vision.Activation, false, format);
        return blocks.Norm(states, vision.FinalNorm);
    }

    // Both axes one after the other. Weights add up to 1, so that what is the same for all positions stays as it is. -> [1, patches, D].
    private static string Interpolated(GraphBuilder graph, VisionParameters vision, float[] offsets)
    {
        int columns = vision.ImageWidth / vision.PatchSize, rows = vision.ImageHeight / vision.PatchSize, width = vision.HiddenSize;
        var down = graph.Input(RowWeights, ElementType.Float, "patch_rows", rows);
        var across = graph.Input(ColumnWeights, ElementType.Float, "patch_columns", columns);
        var lines = graph.Node("MatMul", [down, graph.Constant(Tensor.FromFloats(offsets, [rows, columns * width]))]);
        var split = graph.Node("Reshape", [lines, graph.Constant(Tensor.FromInt64([-1, columns, width], [3]))]);
        return graph.Node("Reshape", [graph.Node("MatMul", [across, split]), graph.Constant(Tensor.FromInt64([1, -1, width], [3]))]);
    }

    // [y, x, channel; D]: what one step of a byte adds.
    private static Matrix PixelProjection(VisionParameters vision, Normalization normalization)
    {
        var (area, width) = (vision.PatchSize * vision.PatchSize, vision.HiddenSize);
        var values = new float[area * 3 * width];
        for (var row = 0; row < area * 3; row++)
        {
            var (place, channel) = (row / 3, row % 3);
            var factor = normalization.RescaleFactor / Deviation(normalization, channel);
            var source = vision.PatchProjection.Row((channel * area) + place);
            for (var i = 0; i < width; i++)
                values[(row * width) + i] = (float)(source[i] * factor);
        }

        return new Matrix(area * 3, width, values);
    }

    // [1 + patches, D]: positions, the class token, the projection's bias, and the projection of a patch that is grey all over.
    private static float[] Offsets(VisionParameters vision, Normalization normalization)
    {
        var (area, width) = (vision.PatchSize * vision.PatchSize, vision.HiddenSize);
        var grey = new double[width];
        for (var row = 0; row < area * 3; row++)
        {
            var channel = row / area;
            var value = ((Middle * normalization.RescaleFactor) - Mean(normalization, channel)) / Deviation(normalization, channel);
            var weights = vision.PatchProjection.Row(row);
            for (var i = 0; i < width; i++)
                grey[i] += weights[i] * value;
        }

        var offsets = (float[])vision.Positions.Values.Clone();
        for (var i = 0; i < width; i++)
        {
            if (vision.ClassToken.Length > 0)
                offsets[i] += vision.ClassToken[i];
            for (var row = Math.Min(1, vision.ClassToken.Length); row < vision.Positions.Rows; row++)
                offsets[(row * width) + i] += (float)(grey[i] + (vision.PatchBias?[i] ?? 0));
        }

        return offsets;
    }

    private static string Numbers(GraphBuilder graph, long number) => graph.Constant(Tensor.FromInt64([number], [1]));

    private static double Mean(Normalization normalization, int channel) =>
        channel switch { 0 => normalization.MeanR, 1 => normalization.MeanG, _ => normalization.MeanB };

    private static double Deviation(Normalization normalization, int channel) =>
        channel switch { 0 => normalization.StdR, 1 => normalization.StdG, _ => normalization.StdB };
}
