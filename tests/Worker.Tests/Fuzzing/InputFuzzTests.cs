using VlWorker.Fuzzing;
using VlWorker.Worker.Tests.Decoding;

namespace VlWorker.Worker.Tests.Fuzzing;

/// <summary>Some thousand damaged messages and images; bench's command fuzz goes on from there.</summary>
public sealed class InputFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-fuzz-").FullName;

    [Fact]
    public void A_damaged_message_is_read_rejected_or_a_dead_letter() => Run(InputTargets.Messages(_folder), 5000);

    [Fact]
    public void A_damaged_image_is_decoded_or_rejected() =>
        Run(InputTargets.Images(_folder, [.. GoldenPixels.Formats.Values.Where(image => image.Length < 64 << 10)]), 1500);

    public void Dispose() => Directory.Delete(_folder, true);

    private static void Run(FuzzTarget target, int inputs)
    {
        var run = new FuzzRun(target, seed: 20261126);
        while (run.Inputs < inputs)
            run.Next();

        Assert.Equal([], run.Failures);
        Assert.InRange(run.Accepted, inputs / 20, inputs * 19 / 20);
    }
}
