using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>
/// An image encoder. Its input is [images, 1 + patches, 3 * P * P] of int8: pixels less 128, a patch a row in the order y, x, channel, the first
/// row zero (not there without a class token). A patch's rows are then copies of the image's, and the class token needs no kernel of its own.
/// </summary>
internal static class VisionTower
{
    /// <summary>The input's name.</summary>
    public const string Pixels = "pixels";

    // Keeps the weight's values away from the small end of 16-bit floats.
    private const float Scale = 256;

    /// <summary>Normed hidden states of all positions, [images, positions, D].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="vision">The encoder.</param>
    /// <param name="normalization">How 8-bit pixels become its floats.</param>
    /// <param name="padded">Where images have any number of patches; null where they have one size.</param>
    public static string States(CudaGraph graph, VisionParameters vision, Normalization normalization, PaddedPatches? padded = null)
    {
        var (normed, residual, layers) = Begin(graph, vision, normalization, padded);
        for (var i = 0; i < layers.Length; i++)
        {
            var attended = EncoderBlocks.Attend(graph, normed, normed, layers[i], false, padded?.KeyMask);
            var next = i == layers.Length - 1 ? vision.FinalNorm : layers[i + 1].Norm1;
            (normed, residual) = EncoderBlocks.Feed(graph, attended, residual, layers[i], vision.Activation, next);
        }

        return normed;
    }

    /// <summary>The class token, projected where there is a projection, [images, 1, size]. In the last block only the class token goes on: nothing else is looked at.</summary>
    public static string Embedding(CudaGraph graph, VisionParameters vision, Normalization normalization)
    {
        var (normed, residual, layers) = Begin(graph, vision, normalization, null);
        foreach (var (layer, next) in layers.Zip(layers.Skip(1)))
        {
            var states = EncoderBlocks.Attend(graph, normed, normed, layer, false);
            (normed, residual) = EncoderBlocks.Feed(graph, states, residual, layer, vision.Activation, next.Norm1);
        }

        var last = layers[^1];
        var attended = EncoderBlocks.Attend(graph, First(graph, normed), normed, last, false);
        var (token, _) = EncoderBlocks.Feed(graph, attended, First(graph, residual), last, vision.Activation, vision.FinalNorm);
        return vision.Projection is null ? token : graph.MatMul(token, vision.Projection);
    }

    private static string First(CudaGraph graph, string states) =>
        graph.Builder.Node("Slice", [states, graph.Integers(0), graph.Integers(1), graph.Integers(1)]);

    private static (string Normed, string Residual, EncoderLayer[] Layers) Begin(
        CudaGraph graph, VisionParameters vision, Normalization normalization, PaddedPatches? padded)
    {
        EncoderLayer[] layers = [.. vision.Layers.Select(layer => EncoderBlocks.Prepare(layer, vision.Activation))];
        var rows = vision.Positions.Rows;
        var pixels = graph.Builder.Input(Pixels, ElementType.Int8, "images", padded is null ? rows : PaddedPatches.Patches, vision.PatchProjection.Rows);
        var (weight, positions) = FoldNormalization(vision, normalization);
        var patches = graph.Builder.Microsoft(
            "FusedMatMul", [graph.Builder.Node("Cast", [pixels], ("to", graph.Type)), graph.Weight(weight)], ("alpha", 1 / Scale));
        var place = padded?.Places(positions) ?? graph.Constant(positions.Values, [1, rows, vision.HiddenSize]);
        if (vision.PreNorm is null)
        {
            var (normed, residual) = graph.SkipNorm(patches, place, layers[0].Norm1, null);
            return (normed, residual, layers);
        }

        var states = graph.LastNorm(patches, place, vision.PreNorm, null);
        return (graph.Norm(states, layers[0].Norm1), states, layers);
    }

    /// <summary>The patch projection on bytes less 128, times <see cref="Scale"/>, its rows in the order y, x, channel; and what is then added to each row.</summary>
    private static (Matrix Weight, Matrix Positions) FoldNormalization(VisionParameters vision, Normalization normalization)
    {
        var (side, width) = (vision.PatchSize, vision.HiddenSize);
        double[] means = [normalization.MeanR, normalization.MeanG, normalization.MeanB];
        double[] deviations = [normalization.StdR, normalization.StdG, normalization.StdB];
        var weight = new float[vision.PatchProjection.Values.Length];
        var constant = new double[width];
        for (var channel = 0; channel < 3; channel++)
        {
            var factor = normalization.RescaleFactor / deviations[channel];
            var offset = ((128 * normalization.RescaleFactor) - means[channel]) / deviations[channel];
            for (var pixel = 0; pixel < side * side; pixel++)
            {
                var row = vision.PatchProjection.Row((channel * side * side) + pixel);
                var target = weight.AsSpan(((pixel * 3) + channel) * width, width);
                for (var i = 0; i < width; i++)
                {
                    target[i] = (float)(row[i] * factor * Scale);
                    constant[i] += row[i] * offset;
                }
            }
        }

        return (new Matrix(vision.PatchProjection.Rows, width, weight), Places(vision, constant));
    }

    private static Matrix Places(VisionParameters vision, double[] constant)
    {
        var (rows, width, classToken) = (vision.Positions.Rows, vision.HiddenSize, vision.ClassToken.Length > 0);
        var places = new float[rows * width];
        for (var row = 0; row < rows; row++)
        {
            var position = vision.Positions.Row(row);
            for (var i = 0; i < width; i++)
            {
                var extra = classToken && row == 0 ? vision.ClassToken[i] : constant[i] + (vision.PatchBias?[i] ?? 0);
                places[(row * width) + i] = (float)(position[i] + extra);
            }
        }

        return new Matrix(rows, width, places);
    }
}
