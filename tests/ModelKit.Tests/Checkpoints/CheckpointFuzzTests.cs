using VlWorker.Fuzzing;

namespace VlWorker.ModelKit.Tests.Checkpoints;

/// <summary>Some thousand damaged checkpoints; bench's command fuzz goes on from there.</summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-fuzz-").FullName;

    [Fact]
    public void A_damaged_file_is_refused_or_read() => Run(FuzzTarget.Safetensors(_folder), 2000);

    [Fact]
    public void A_damaged_index_is_refused_or_read() => Run(FuzzTarget.Index(_folder), 1000);

    [Fact]
    public void A_damaged_archive_of_PyTorch_is_refused_or_read() => Run(FuzzTarget.Torch(_folder), 2000);

    public void Dispose() => Directory.Delete(_folder, true);

    private static void Run(FuzzTarget target, int inputs)
    {
        var run = new FuzzRun(target, seed: 20261126);
        while (run.Inputs < inputs)
            run.Next();

        Assert.Equal([], run.Failures);
        Assert.InRange(run.Accepted, inputs / 50, inputs * 19 / 20);
    }
}
