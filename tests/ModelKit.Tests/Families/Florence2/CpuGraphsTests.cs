using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Florence2;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.Florence2;

public sealed class CpuGraphsTests
{
    [Theory]
    [InlineData(32, 32)] // grids of 8 and 4: windows fill them
    [InlineData(36, 20)] // of 9 x 5 and 5 x 3: windows reach over the right and the lower side
    public void The_image_tower_gives_the_reference_s_tokens(int width, int height)
    {
        var tiny = new TinyFlorence(width, height);
        using var session = new CpuSession(CpuGraphs.Vision(tiny.Parameters, CpuSession.Normalization, CpuPrecision.Fp32));
        using var pixels = OrtValue.CreateTensorValueFromMemory(tiny.Bytes, [1, height, width, 3]);
        using var results = session.Run(new Dictionary<string, OrtValue> { [CpuDavit.Pixels] = pixels }, [CpuLayout.Features]);

        Assert.Equal([1, tiny.Vision.Tokens, TinyModels.TextWidth], results[0].GetTensorTypeAndShape().Shape);
        CpuSession.Close(tiny.Tokens(), results[0].GetTensorDataAsSpan<float>(), 1e-4);
    }
}
