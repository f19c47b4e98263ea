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
    public static (string Name, Array Values, long[] Shape) Of(
        GoldenCases golden, IReadOnlyList<string> images, ResizePlan plan, int rows, int rowBytes)
    {
        var writer = SignedPatchWriter.For(plan, rows, rowBytes);
        var pixels = new sbyte[images.Count * writer.ImageBytes];
        for (var i = 0; i < images.Count; i++)
            writer.Write(golden.Pixels(images[i]), MemoryMarshal.AsBytes(pixels.AsSpan(i * writer.ImageBytes, writer.ImageBytes)));
        return (VisionTower.Pixels, pixels, [images.Count, rows, rowBytes]);
    }

    /// <summary>The inputs of a graph that takes images with any number of patches. Behind an image's own there is noise.</summary>
    public static (string Name, Array Values, long[] Shape)[] Padded(GoldenCases golden, IReadOnlyList<string> images, PaddedPatchWriter writer)
    {
        var (count, patches, bytes) = (images.Count, writer.Patches, writer.PatchBytes);
        var pixels = new sbyte[count * patches * bytes];
        new Random(1).NextBytes(MemoryMarshal.AsBytes(pixels.AsSpan()));
        var (rows, columns, counts) = (new float[count * patches * writer.Rows], new float[count * patches * writer.Columns], new int[count]);
        Array.Fill(rows, float.NaN);
        Array.Fill(columns, float.NaN);
        Span<T> Part<T>(T[] all, int image) => all.AsSpan(image * all.Length / count, all.Length / count);
        for (var i = 0; i < count; i++)
            counts[i] = writer.Write(golden.Pixels(images[i]), MemoryMarshal.AsBytes(Part(pixels, i)), Part(rows, i), Part(columns, i));
        return
        [
            (VisionTower.Pixels, pixels, [count, patches, bytes]), (PaddedPatches.RowWeights, rows, [count, patches, writer.Rows]),
            (PaddedPatches.ColumnWeights, columns, [count, patches, writer.Columns]), (PaddedPatches.Counts, counts, [count]),
        ];
    }
}
