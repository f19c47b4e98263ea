using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Florence2;

/// <summary>A tiny Florence-2 with random weights, and an image for it.</summary>
internal sealed class TinyFlorence
{
    private const int Windows = 4;

    /// <param name="width">Width of the images in pixels.</param>
    /// <param name="height">Height of the images in pixels.</param>
    /// <param name="gamma">What is added to the gammas of norms, random numbers from -1 to 1.</param>
    public TinyFlorence(int width, int height, float gamma = 0)
    {
        Parameters = new Florence2Parameters(Davit(width, height, gamma), Bart());
        Bytes = new byte[width * height * 3];
        new Random(7).NextBytes(Bytes);
    }

    public Florence2Parameters Parameters { get; }

    public DavitParameters Vision => Parameters.Vision;

    /// <summary>[height, width, 3].</summary>
    public byte[] Bytes { get; }

    /// <summary>What the reference makes of the image, token by token.</summary>
    public IReadOnlyList<double> Tokens() =>
        [.. ReferenceDavit.Encode(Vision, (channel, y, x) => Normalised(Bytes[(((y * Vision.ImageWidth) + x) * 3) + channel], channel)).SelectMany(token => token)];

    private static double Normalised(byte value, int channel)
    {
        var by = CpuSession.Normalization;
        var (mean, deviation) = channel switch { 0 => (by.MeanR, by.StdR), 1 => (by.MeanG, by.StdG), _ => (by.MeanB, by.StdB) };
        return ((value * by.RescaleFactor) - mean) / deviation;
    }

    private static DavitParameters Davit(int width, int height, float gamma)
    {
        var random = new TinyModels(5);
        return new DavitParameters(
            width, height, Windows, Activation.Gelu,
            [
                Stage(random, new Convolution(random.Values(8 * 3 * 49), random.Values(8), 3, 7, 4, 3, 1), false, 8, gamma),
                Stage(random, new Convolution(random.Values(12 * 8 * 9), random.Values(12), 8, 3, 2, 1, 1), true, 12, gamma),
            ],
            random.Matrix(10, 6), random.Matrix(10, 6), random.Values(12), new Linear(random.Matrix(12, TinyModels.TextWidth), null),
            random.Norm(TinyModels.TextWidth, 1e-5f));
    }

    private static DavitStage Stage(TinyModels random, Convolution patches, bool normInFront, int width, float gamma) => new(
        patches, normInFront, random.Norm(normInFront ? patches.Inputs : width, 1e-5f), 2, 4,
        [new DavitPair(Block(random, width, gamma), Block(random, width, gamma))]);

    private static DavitBlock Block(TinyModels random, int width, float gamma) => new(
        new Convolution(random.Values(width * 9), random.Values(width), width, 3, 1, 1, width), Norm(random, width, gamma),
        random.Layer(width, width), random.Layer(width, width), random.Layer(width, width), random.Layer(width, width),
        new Convolution(random.Values(width * 9), random.Values(width), width, 3, 1, 1, width), Norm(random, width, gamma),
        random.Layer(width, 16), random.Layer(16, width));

    private static LayerNorm Norm(TinyModels random, int width, float gamma)
    {
        var norm = random.Norm(width, 1e-5f);
        return norm with { Gamma = Array.ConvertAll(norm.Gamma, value => value + gamma) };
    }

    private static BartParameters Bart()
    {
        const int Width = TinyModels.TextWidth;
        const int Heads = Width / TinyModels.HeadSize;
        var random = new TinyModels(6);
        var (table, norm) = (random.Matrix(TinyModels.Vocabulary, Width), random.Norm(Width, 1e-5f));
        var positions = random.Matrix(60, Width);
        Linear Square() => random.Layer(Width, Width);
        var (up, down) = (random.Layer(Width, TinyModels.Inner), random.Layer(TinyModels.Inner, Width));
        var encoder = new EncoderLayer(norm, Square(), Square(), Square(), Square(), norm, up, down, Heads, TinyModels.HeadSize) { NormsBehind = true };
        var decoder = new DecoderLayer(
            norm, Square(), Square(), Square(), Square(), norm, Square(), Square(), Square(), Square(), norm, up, down, Heads, Heads, TinyModels.HeadSize)
        {
            NormsBehind = true,
        };
        return new BartParameters(
            Width, TinyModels.Vocabulary, 60, Activation.Gelu, 1, new BartEncoder(table, positions, norm, [encoder]),
            new BartDecoder(table, positions, norm, [decoder]), table);
    }
}
