using VlWorker.ModelKit.Downloads;

namespace VlWorker.ModelKit.Tests.Downloads;

public sealed class PinFileTests : IDisposable
{
    private static readonly string Digest = new('A', 64);

    private readonly string _path = Path.GetTempFileName();

    [Fact]
    public void Lines_are_read_as_they_are_printed()
    {
        var pin = new Pin(Digest.ToLowerInvariant(), 5_000_000_000);
        File.WriteAllLines(_path, ["# a comment", "", PinFile.Line("onnx/a b.onnx", pin), $"{Digest}\t7   config.json "]);
        var pins = PinFile.Read(_path);
        Assert.Equal(pin, pins["onnx/a b.onnx"]);
        Assert.Equal(7, pins["config.json"].Size);
        Assert.Equal(2, pins.Count);
    }

    [Theory]
    [InlineData("{0}", "line 1: it is not SHA256 BYTES PATH")]
    [InlineData("{0} 5", "line 1: it is not SHA256 BYTES PATH")]
    [InlineData("{0} -5 a", "line 1: it is not SHA256 BYTES PATH")]
    [InlineData("{0}0 5 a", "line 1: it is not SHA256 BYTES PATH")]
    [InlineData("{0} 5 ../a", "line 1: it is not SHA256 BYTES PATH")]
    [InlineData("{0} 5 a\n{0} 6 a", "line 2: a is pinned twice")]
    [InlineData("# nothing", "pins nothing")]
    public void What_is_malformed_is_named_with_its_line(string content, string reason)
    {
        File.WriteAllText(_path, content.Replace("{0}", Digest, StringComparison.Ordinal));
        Assert.Contains(reason, Assert.Throws<PullException>(() => PinFile.Read(_path)).Message);
    }

    [Fact]
    public void A_file_that_is_not_there_says_so() =>
        Assert.Contains("can't be read", Assert.Throws<PullException>(() => PinFile.Read(_path + "-not")).Message);

    public void Dispose() => File.Delete(_path);
}
