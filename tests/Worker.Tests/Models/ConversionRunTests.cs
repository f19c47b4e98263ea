using Microsoft.Extensions.Time.Testing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.Models;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models;

public sealed class ConversionRunTests : IDisposable
{
    private static readonly ConversionOptions Options = new(ConversionTarget.Cpu, ConversionPrecision.Int8);
    private readonly string _root = Directory.CreateTempSubdirectory("vlworker-run-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void What_was_done_is_printed_with_the_folder()
    {
        var target = Path.Combine(_root, "out");
        Assert.Equal(ModelExit.Good, Run(() => SourceModel.OpenCheckpoint(FixtureArchive.Extract("clip-tiny")), target));
        Assert.Contains("The weights were read from the checkpoint.", _output.ToString());
        Assert.Contains($"{target}: clip for cpu in int8, ", _output.ToString());
        Assert.NotNull(ModelFolder.Open(target).Manifest);
    }

    [Fact]
    public void A_folder_that_is_optimised_already_is_refused()
    {
        var first = Path.Combine(_root, "first");
        Run(() => SourceModel.OpenExport(FixtureArchive.Extract("clip-tiny"), ModelPrecision.Auto), first);
        Assert.Equal(ModelExit.Unusable, Run(() => SourceModel.OpenExport(first, ModelPrecision.Auto), Path.Combine(_root, "second")));
        Assert.Contains("it is optimised already", _error.ToString());
    }

    [Fact]
    public void A_target_that_is_something_else_is_not_touched()
    {
        File.WriteAllText(Path.Combine(_root, "mine.txt"), "mine");
        Assert.Equal(ModelExit.Unusable, Run(() => SourceModel.OpenExport(FixtureArchive.Extract("clip-tiny"), ModelPrecision.Auto), _root));
        Assert.StartsWith($"Error: {_root} is there already", _error.ToString());
        Assert.Equal("mine", File.ReadAllText(Path.Combine(_root, "mine.txt")));
    }

    public void Dispose()
    {
        Directory.Delete(_root, recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    private int Run(Func<SourceModel> open, string target) => new ConversionRun(_output, _error, new FakeTimeProvider()).Run(open, Options, target);
}
