using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.OnDemand;

/// <summary>Real models that come and go, as the host sets them up.</summary>
public sealed class OnDemandModelTests
{
    private static readonly string Captioner = FixtureArchive.Extract("vit-gpt2-tiny");
    private static readonly string Clip = FixtureArchive.Extract("clip-tiny");

    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());

    [Theory]
    [InlineData(nameof(OptimizeChoice.Off))]
    [InlineData(nameof(OptimizeChoice.Auto))]
    public async Task A_model_is_planned_with_before_it_is_there_and_says_the_same_as_one_that_always_is(string choice)
    {
        var optimize = Enum.Parse<OptimizeChoice>(choice);
        var cache = Directory.CreateTempSubdirectory("vlworker-cache-").FullName;
        try
        {
            InferenceOptions options = new() { Models = [Model("c", Captioner, optimize), Model("e", Clip, optimize)], ModelCache = cache };
            using var always = Setup(options with { Models = [.. options.Models.Select(model => model with { Load = ModelLoad.AtStart })] });
            using var registry = Setup(options);
            foreach (var (model, expected) in registry.All.Zip(always.All))
            {
                Assert.False(model.IsLoaded);
                Assert.Equal(expected.Reference, model.Reference);
                using var rows = new SampleRows(model);
                Assert.All(model.Run(rows.All, CancellationToken.None), outcome => Assert.IsType<TransientException>(Assert.IsType<FailedOutcome>(outcome).Error));
                using var lease = await registry.AcquireAsync(model, null, CancellationToken.None);
                Assert.Equal(Say(expected, rows), Say(model, rows));
                var copy = (OnDemandCopy)model;
                copy.Unload();
                copy.Load();
                Assert.Equal(Say(expected, rows), Say(model, rows));
            }
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }
    }

    /// <summary>What an interface answers by default would else hide the model's own answer.</summary>
    [Fact]
    public void Every_question_is_passed_on()
    {
        var answered = typeof(OnDemandCopy).GetInterfaceMap(typeof(IModel)).TargetMethods;

        Assert.All(answered, method => Assert.Equal(typeof(OnDemandCopy), method.DeclaringType));
    }

    [Fact]
    public void Each_device_has_its_own_copy_and_all_errors_come_at_once()
    {
        var options = new InferenceOptions
        {
            Models = [Model("e", Clip)],
            Devices = [new DeviceOptions { Name = "cpu" }, new DeviceOptions { Name = "cpu:1" }],
        };
        using (var registry = Setup(options))
            Assert.Equal(["e on cpu", "e on cpu:1"], registry.Loaded.Select(model => $"{model.Alias} on {model.Device}"));

        var error = Assert.Throws<StartupException>(() => Setup(options with { ModelMemoryBytes = 1000 }));

        Assert.Equal(2, error.Errors.Count);
        Assert.All(error.Errors, text => Assert.StartsWith("Inference:ModelMemoryBytes is 1000, and '", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_that_change_while_a_model_is_away_are_refused_and_a_folder_that_was_broken_stops_the_start()
    {
        var folder = ModelFolders.CopyWithout(Clip);
        try
        {
            using (var registry = Setup(new InferenceOptions { Models = [Model("e", folder)] }))
            {
                var model = Assert.Single(registry.All);
                var config = Path.Combine(folder, "preprocessor_config.json");
                File.SetLastWriteTimeUtc(config, DateTime.UtcNow.AddMinutes(1));
                (await registry.AcquireAsync(model, null, CancellationToken.None)).Dispose();
                ((OnDemandCopy)model).Unload();
                File.AppendAllText(config, "\n");

                Assert.Contains("others than at the start", Assert.Throws<ModelFolderException>(((OnDemandCopy)model).Load).Message, StringComparison.Ordinal);
            }

            File.WriteAllText(Path.Combine(folder, "onnx", "vision_model.onnx"), "no graph");
            Assert.Throws<ModelFolderException>(() => Setup(new InferenceOptions { Models = [Model("e", folder)] }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Say(IModel model, SampleRows rows) => [.. rows.All.Select(row => Said(model.Run([row], CancellationToken.None)[0]))];

    private static string Said(InferenceOutcome outcome) => outcome switch
    {
        CaptionOutcome caption => string.Join(' ', caption.Sequences[0].TokenIds),
        EmbeddingOutcome embedding => string.Join(' ', embedding.Values),
        _ => throw new InvalidOperationException($"{outcome}"),
    };

    private ModelRegistry Setup(InferenceOptions options) =>
        new ModelSetup(options, new BatchingOptions { MaxBatch = 4, Streams = 1 }, _metrics, TimeProvider.System, NullLogger.Instance).Load();

    private static ModelOptions Model(string alias, string folder, OptimizeChoice optimize = OptimizeChoice.Off) =>
        new() { Alias = alias, Folder = folder, Load = ModelLoad.OnDemand, Optimize = optimize };
}
