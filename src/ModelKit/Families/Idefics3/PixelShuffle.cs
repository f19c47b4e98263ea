using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3;

/// <summary>Squares of neighbouring patches become one position each, their states side by side.</summary>
internal static class PixelShuffle
{
    /// <summary>Squares of an image.</summary>
    public static int Count(VisionParameters vision, int scale) =>
        vision.ImageHeight / vision.PatchSize / scale * (vision.ImageWidth / vision.PatchSize / scale);

    /// <summary>[images, patches, D] to [images, squares, scale * scale * D].</summary>
    public static string Squares(GraphBuilder graph, VisionParameters vision, int scale, string states)
    {
        string Integers(params long[] values) => graph.Constant(Tensor.FromInt64(values, [values.Length]));
        // [rows of squares, rows in one, squares of a row, a square's row]: then each square's rows one after the other.
        var (down, across) = (vision.ImageHeight / vision.PatchSize / scale, vision.ImageWidth / vision.PatchSize / scale);
        states = graph.Node("Reshape", [states, Integers(-1, down, scale, across, scale * vision.HiddenSize)]);
        states = graph.Node("Transpose", [states], ("perm", new[] { 0, 1, 3, 2, 4 }));
        return graph.Node("Reshape", [states, Integers(-1, down * across, scale * scale * vision.HiddenSize)]);
    }
}
