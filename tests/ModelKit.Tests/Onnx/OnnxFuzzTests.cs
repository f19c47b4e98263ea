using VlWorker.Fuzzing;

namespace VlWorker.ModelKit.Tests.Onnx;

/// <summary>Some thousand damaged ONNX files; bench's command fuzz goes on from there.</summary>
public sealed class OnnxFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-fuzz-").FullName;

    [Theory]
    [InlineData(1500)]
    public void A_damaged_file_is_refused_or_read(int inputs)
    {
        var run = new FuzzRun(FuzzTarget.Onnx(_folder), seed: 20261126);
        while (run.Inputs < inputs)
            run.Next();

        Assert.Equal([], run.Failures);
        Assert.InRange(run.Accepted, inputs / 20, inputs * 19 / 20);
    }

    public void Dispose() => Directory.Delete(_folder, true);
}
