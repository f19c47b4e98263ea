using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Families.Florence2;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Cuda;

public sealed class CudaModelsTests
{
    private static readonly Normalization Plain = new(1 / 255f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f);

    [Theory]
    [InlineData("captioner", "encoder greedy_step beam_step")]
    [InlineData("blip", "encoder greedy_step beam_step")]
    [InlineData("clip", "vision text")]
    [InlineData("florence", "vision encoder greedy_step beam_step")]
    public void A_family_has_the_graphs_of_its_kind(string family, string names)
    {
        var tiny = new TinyModels();
        FamilyParameters parameters = family switch { "captioner" => tiny.Captioner(), "blip" => tiny.Blip(), "florence" => new TinyFlorence(32, 32).Parameters, _ => tiny.Clip() };
        Assert.Equal(names, string.Join(' ', CudaModels.Build(parameters, Plain, ElementType.Float16).Select(entry => entry.Name)));
    }

    [Fact]
    public void Narrow_heads_are_padded_for_the_shared_cache_and_wide_ones_refused()
    {
        var blip = new TinyModels().Blip();
        var step = CudaModels.Build(blip, Plain, ElementType.Float).Single(entry => entry.Name == CudaLayout.Greedy).Model.Graph;
        var past = step.Input.Single(input => input.Name == CaptionerNames.PastKey(1)).Type.TensorType.Shape.Dim;
        Assert.Equal((TinyModels.Width / TinyModels.HeadSize, 32), (past[1].DimValue, past[3].DimValue));

        var wide = blip with { Text = blip.Text with { Layers = [.. blip.Text.Layers.Select(layer => layer with { HeadSize = 129 })] } };
        Assert.Throws<NotSupportedException>(() => CudaModels.Build(wide, Plain, ElementType.Float).ToList());
    }
}
