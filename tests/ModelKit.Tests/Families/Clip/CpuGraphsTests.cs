using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Clip;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Clip;

public sealed class CpuGraphsTests
{
    private const double Exact = 2e-5;
    private readonly ClipParameters _clip = new TinyModels(3).Clip();

    [Fact]
    public void The_image_tower_gives_the_reference_s_embeddings_alone_and_together()
    {
        using var session = new CpuSession(CpuGraphs.Vision(_clip.Vision, CpuSession.Normalization, CpuPrecision.Fp32));
        byte[][] images = [CpuSession.Image(_clip.Vision, 1), CpuSession.Image(_clip.Vision, 2)];

        CheckVision(session, Exact, images[0]);
        CheckVision(session, Exact, images[1]);
        CheckVision(session, Exact, images);
    }

    [Fact]
    public void The_image_tower_in_8_bits_is_near()
    {
        using var session = new CpuSession(CpuGraphs.Vision(_clip.Vision, CpuSession.Normalization, CpuPrecision.Int8));
        CheckVision(session, 0.05, CpuSession.Image(_clip.Vision, 1));
    }

    [Theory]
    [InlineData(0)] // float
    [InlineData(1)] // int8
    public void The_text_tower_pools_at_the_first_of_the_highest_ids(int precision)
    {
        using var session = new CpuSession(CpuGraphs.Text(_clip.Text, precision == 0 ? CpuPrecision.Fp32 : CpuPrecision.Int8));
        CheckTexts(session, precision == 0 ? Exact : 0.05, [1, 7, 29]);
        CheckTexts(session, precision == 0 ? Exact : 0.05, [1, 7, 4, 29, 29], [1, 29, 29, 29, 29]);
    }

    [Fact]
    public void Layers_may_have_different_heads_and_widths()
    {
        var layers = _clip.Vision.Layers;
        var vision = _clip.Vision with { Layers = [WithoutHead(layers[0]), layers[1]] };
        using var session = new CpuSession(CpuGraphs.Vision(vision, CpuSession.Normalization, CpuPrecision.Fp32));
        var image = CpuSession.Image(vision, 1);
        using var patches = CpuSession.Patches(vision, image);
        using var results = session.Run(new Dictionary<string, OrtValue> { [CpuVision.Patches] = patches }, session.Outputs);
        CpuSession.Close(ReferenceModel.Encode(vision, CpuSession.Pixels(vision, image))[0], results[0].GetTensorDataAsSpan<float>(), Exact);
    }

    private static EncoderLayer WithoutHead(EncoderLayer layer)
    {
        var width = layer.HeadSize * (layer.Heads - 1);
        return layer with
        {
            Heads = layer.Heads - 1,
            Query = layer.Query.ColumnRange(0, width),
            Key = layer.Key.ColumnRange(0, width),
            Value = layer.Value.ColumnRange(0, width),
            Output = layer.Output with { Weight = layer.Output.Weight.Transpose().ColumnRange(0, width).Transpose() },
            Up = layer.Up.ColumnRange(0, 7),
            Down = layer.Down with { Weight = layer.Down.Weight.Transpose().ColumnRange(0, 7).Transpose() },
        };
    }

    private void CheckVision(CpuSession session, double tolerance, params byte[][] images)
    {
        using var patches = CpuSession.Patches(_clip.Vision, images);
        using var results = session.Run(new Dictionary<string, OrtValue> { [CpuVision.Patches] = patches }, session.Outputs);
        CpuSession.Close(
            [.. images.SelectMany(image => ReferenceModel.Encode(_clip.Vision, CpuSession.Pixels(_clip.Vision, image))[0])],
            results[0].GetTensorDataAsSpan<float>(), tolerance);
    }

    private void CheckTexts(CpuSession session, double tolerance, params int[][] texts)
    {
        using var ids = OrtValue.CreateTensorValueFromMemory(texts.SelectMany(static text => text.Select(static id => (long)id)).ToArray(), [texts.Length, texts[0].Length]);
        using var results = session.Run(new Dictionary<string, OrtValue> { ["input_ids"] = ids }, session.Outputs);
        CpuSession.Close([.. texts.SelectMany(text => ReferenceModel.Embed(_clip.Text, text))], results[0].GetTensorDataAsSpan<float>(), tolerance);
    }
}
