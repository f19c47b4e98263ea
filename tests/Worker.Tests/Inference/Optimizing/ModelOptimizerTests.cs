using Microsoft.Extensions.Logging;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Optimizing;

public sealed class ModelOptimizerTests : IDisposable
{
    private static readonly ModelOptions Options = new() { Alias = "tiny" };
    private readonly string _cache = Directory.CreateTempSubdirectory("vlworker-cache-").FullName;
    private readonly RecordingLogger _log = new();

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    public void An_export_is_optimised_once_and_found_the_next_time(string fixture)
    {
        var exported = ModelFolder.Open(FixtureArchive.Extract(fixture));
        var first = Optimizer().Choose(exported, Options, DeviceSpec.Cpu);
        var written = File.GetLastWriteTimeUtc(Path.Combine(first.Path, ModelManifest.FileName));
        var second = Optimizer().Choose(exported, Options, DeviceSpec.Cpu);

        Assert.Equal("fp32", first.Manifest!.Precision);
        Assert.StartsWith(_cache, first.Path, StringComparison.Ordinal);
        Assert.Equal(first.Path, second.Path);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(second.Path, ModelManifest.FileName)));
        Assert.All(_log.Lines, line => Assert.StartsWith("Information: Model tiny runs optimised", line));
        Assert.Equal(2, _log.Lines.Count);
    }

    [Fact]
    public void The_bundled_int8_models_stay_int8()
    {
        foreach (var name in new[] { "demo-captioner", "demo-clip" })
        {
            var chosen = Optimizer().Choose(ModelFolder.Open(Path.Combine(ModelFolders.Repository, "models", name)), Options, DeviceSpec.Cpu);
            Assert.True(chosen.Manifest is not null, string.Join('\n', _log.Lines));
            Assert.Equal("int8", chosen.Manifest.Precision);
        }
    }

    [Fact]
    public void Off_leaves_the_export_alone()
    {
        var exported = ModelFolder.Open(FixtureArchive.Extract("clip-tiny"));
        Assert.Same(exported, Optimizer().Choose(exported, Options with { Optimize = OptimizeChoice.Off }, DeviceSpec.Cpu));
        Assert.Empty(Directory.GetFileSystemEntries(_cache));
    }

    [Fact]
    public void An_optimised_model_that_gives_other_results_does_not_run_and_is_not_asked_again()
    {
        var exported = ModelFolder.Open(FixtureArchive.Extract("clip-tiny"));
        var options = new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32);
        var path = new ModelCache(_cache).PathOf(SourceModel.OpenExport(exported), options);
        var wrong = OptimizedFolders.Cpu(exported.Path, ConversionPrecision.Fp32, Reversed);
        Directory.Move(wrong, path);

        Assert.Same(exported, Optimizer().Choose(exported, Options, DeviceSpec.Cpu));
        Assert.Contains("Warning: Model tiny runs as it was exported: compared with the export", Assert.Single(_log.Lines));
        Directory.Delete(Path.Combine(path, "onnx"), recursive: true);
        Directory.CreateDirectory(Path.Combine(path, "onnx"));
        Assert.Same(exported, Optimizer().Choose(exported, Options, DeviceSpec.Cpu));
    }

    [Fact]
    public void A_graph_that_is_not_understood_runs_as_it_was_exported_and_the_log_says_where_it_stopped()
    {
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract("clip-tiny"));
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"num_hidden_layers\":2", "\"num_hidden_layers\":3", StringComparison.Ordinal));
        var exported = ModelFolder.Open(folder);

        Assert.Same(exported, Optimizer().Choose(exported, Options, DeviceSpec.Cpu));
        Assert.Contains("3 blocks of 2 parts (config.json)", Assert.Single(_log.Lines));
        Assert.Empty(Directory.GetFileSystemEntries(_cache));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_cache_that_can_not_be_written_keeps_no_model_from_running()
    {
        var blocked = Path.Combine(_cache, "file");
        File.WriteAllText(blocked, "");
        var exported = ModelFolder.Open(FixtureArchive.Extract("clip-tiny"));
        Assert.Same(exported, new ModelOptimizer(Path.Combine(blocked, "cache"), _log).Choose(exported, Options, DeviceSpec.Cpu));
        Assert.StartsWith("Warning: Model tiny runs as it was exported", Assert.Single(_log.Lines));
    }

    public void Dispose() => Directory.Delete(_cache, recursive: true);

    private ModelOptimizer Optimizer() => new(_cache, _log);

    private static FamilyParameters Reversed(FamilyParameters parameters)
    {
        var clip = (ClipParameters)parameters;
        return clip with { Vision = clip.Vision with { Layers = [.. clip.Vision.Layers.Reverse()] } };
    }

    private sealed class RecordingLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
