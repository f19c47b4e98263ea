using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Image files as the worker prepares them for a model.</summary>
internal static class TestImages
{
    private static readonly ImageDecoder Decoder = new(new DecodingOptions { Decoders = 1 });

    /// <summary>Decodes and resizes a file. The caller owns the pixels.</summary>
    public static PreparedPixels Prepare(string file, ResizePlan plan) =>
        Decoder.DecodeAsync(File.ReadAllBytes(file), [plan], CancellationToken.None).GetAwaiter().GetResult().Prepared[0];
}
