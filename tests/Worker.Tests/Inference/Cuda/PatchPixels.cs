using System.Runtime.InteropServices;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>Images as the worker lays them out for graphs that take patches.</summary>
internal static class PatchPixels
{
    /// <summary>The input <see cref="VisionTower.Pixels"/>.</summary>
    /// <param name="golden">Has the images.</param>
    /// <param name="images">Their names.</param>
    /// <param name="plan">How they are resized.</param>
    /// <param name="rows">Rows that the graph takes for an image.</param>
    /// <param name="rowBytes">Bytes of each.</param>
    public static (string Name, Array Values, long[] Shape) Of(GoldenCases golden, IReadOnlyList<string> images, ResizePlan plan, int rows, int rowBytes)
    {
        var writer = SignedPatchWriter.For(plan, rows, rowBytes);
        var pixels = new sbyte[images.Count * writer.ImageBytes];
        for (var i = 0; i < images.Count; i++)
            writer.Write(golden.Pixels(images[i]), MemoryMarshal.AsBytes(pixels.AsSpan(i * writer.ImageBytes, writer.ImageBytes)));
        return (VisionTower.Pixels, pixels, [images.Count, rows, rowBytes]);
    }
}
