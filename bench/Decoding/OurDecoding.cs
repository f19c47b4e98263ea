using System.Diagnostics;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Decoding;

/// <summary>The worker's own decoding over a set of files, on one decoder thread.</summary>
internal sealed unsafe class OurDecoding : IDisposable
{
    private readonly ImageDecoder _decoder = new(new DecodingOptions { Decoders = 1 });
    private readonly DecoderScratch _scratch = new();
    private readonly List<byte[]> _encoded;
    private readonly List<(PixelMemory Pixels, int Width, int Height)> _decoded = [];

    public OurDecoding(IReadOnlyList<string> files)
    {
        _encoded = [.. files.Select(File.ReadAllBytes)];
        foreach (var bytes in _encoded)
        {
            var (width, height) = ImageHeader.Read(bytes).Upright;
            using var rgb = DecodeOne(bytes, Plans.Whole(width, height));
            var memory = new PixelMemory(((long)width * height * 4) + HorizontalPass.Slack);
            for (var i = 0; i < width * height; i++)
                rgb.Rgb.Slice(i * 3, 3).CopyTo(new Span<byte>(memory.Pointer + ((nint)i * 4), 3));
            _decoded.Add((memory, width, height));
        }
    }

    /// <summary>Resizes all images from pixels in memory.</summary>
    public (int Images, double Seconds) Resize(ResizePlan plan, int rounds)
    {
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (pixels, width, height) in _decoded)
            {
                using var resampler = PlanResampler.Create(plan, width, height, default, _scratch);
                resampler.Accept(pixels.Pointer, width * 4, height);
                resampler.Finish().Dispose();
            }
        }

        return (_decoded.Count * rounds, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Decodes and resizes all images from encoded bytes, one after another.</summary>
    public (int Images, double Seconds) Decode(ResizePlan plan, int rounds)
    {
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var bytes in _encoded)
                DecodeOne(bytes, plan).Dispose();
        }

        return (_encoded.Count * rounds, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Bytes that decoding allocates on the managed heap, by image.</summary>
    public long AllocatedPerImage(ResizePlan plan)
    {
        Decode(plan, 2);
        var before = GC.GetTotalAllocatedBytes(true);
        Decode(plan, 4);
        return (GC.GetTotalAllocatedBytes(true) - before) / (4 * _encoded.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (pixels, _, _) in _decoded)
            pixels.Dispose();
        _scratch.Dispose();
        _decoder.Dispose();
    }

    private PreparedPixels DecodeOne(byte[] bytes, ResizePlan plan) =>
        _decoder.DecodeAsync(bytes, [plan], CancellationToken.None).GetAwaiter().GetResult().Prepared[0];
}
