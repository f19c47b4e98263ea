using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Florence2;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Florence2;

public sealed class CpuGraphsTests
{
    private const int Windows = 4;

    [Theory]
    [InlineData(32, 32)] // grids of 8 and 4: windows fill them
    [InlineData(36, 20)] // of 9 x 5 and 5 x 3: windows reach over the right and the lower side
    public void The_image_tower_gives_the_reference_s_tokens(int width, int height)
    {
        var vision = Davit(width, height);
        var bytes = new byte[width * height * 3];
        new Random(7).NextBytes(bytes);
        using var session = new CpuSession(CpuGraphs.Vision(new Florence2Parameters(vision, Bart()), CpuSession.Normalization, CpuPrecision.Fp32));
        using var pixels = OrtValue.CreateTensorValueFromMemory(bytes, [1, height, width, 3]);
        using var results = session.Run(new Dictionary<string, OrtValue> { [CpuDavit.Pixels] = pixels }, [CpuGraphs.Features]);

        Assert.Equal([1, vision.Tokens, TinyModels.TextWidth], results[0].GetTensorTypeAndShape().Shape);
        var expected = ReferenceDavit.Encode(vision, (channel, y, x) => Normalised(bytes[(((y * width) + x) * 3) + channel], channel));
        CpuSession.Close([.. expected.SelectMany(token => token)], results[0].GetTensorDataAsSpan<float>(), 1e-4);
    }

    private static double Normalised(byte value, int channel)
    {
        var by = CpuSession.Normalization;
        var (mean, deviation) = channel switch { 0 => (by.MeanR, by.StdR), 1 => (by.MeanG, by.StdG), _ => (by.MeanB, by.StdB) };
        return ((value * by.RescaleFactor) - mean) / deviation;
    }

    private static DavitParameters Davit(int width, int height)
    {
        var random = new TinyModels(5);
        return new DavitParameters(
            width, height, Windows, Activation.Gelu,
            [
                Stage(random, new Convolution(random.Values(8 * 3 * 49), random.Values(8), 3, 7, 4, 3, 1), false, 8),
                Stage(random, new Convolution(random.Values(12 * 8 * 9), random.Values(12), 8, 3, 2, 1, 1), true, 12),
            ],
            random.Matrix(10, 6), random.Matrix(10, 6), random.Values(12), new Linear(random.Matrix(12, TinyModels.TextWidth), null),
            random.Norm(TinyModels.TextWidth, 1e-5f));
    }

    private static DavitStage Stage(TinyModels random, Convolution patches, bool normInFront, int width) => new(
        patches, normInFront, random.Norm(normInFront ? patches.Inputs : width, 1e-5f), 2, 4, [new DavitPair(Block(random, width), Block(random, width))]);

    private static DavitBlock Block(TinyModels random, int width) => new(
        new Convolution(random.Values(width * 9), random.Values(width), width, 3, 1, 1, width), random.Norm(width, 1e-5f),
        random.Layer(width, width), random.Layer(width, width), random.Layer(width, width), random.Layer(width, width),
        new Convolution(random.Values(width * 9), random.Values(width), width, 3, 1, 1, width), random.Norm(width, 1e-5f),
        random.Layer(width, 16), random.Layer(16, width));

    private static BartParameters Bart()
    {
        var random = new TinyModels(6);
        var (table, norm) = (random.Matrix(TinyModels.Vocabulary, TinyModels.TextWidth), random.Norm(TinyModels.TextWidth, 1e-5f));
        var positions = random.Matrix(60, TinyModels.TextWidth);
        return new BartParameters(
            TinyModels.TextWidth, TinyModels.Vocabulary, 60, Activation.Gelu, 1, new BartEncoder(table, positions, norm, []),
            new BartDecoder(table, positions, norm, []), table);
    }
}
