using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Inference.Engine;
using VlWorker.Inference.OnDemand;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.OnDemand;

/// <summary>The heap is the whole process's: while it is measured, no other test may take or give back any.</summary>
[CollectionDefinition(nameof(UnloadedMemoryTests), DisableParallelization = true)]
[Collection(nameof(UnloadedMemoryTests))]
public sealed class UnloadedMemoryTests
{
    private static readonly string Clip = FixtureArchive.Extract("clip-tiny");

    [Fact]
    public void A_model_that_is_unloaded_holds_no_native_memory()
    {
        var options = new InferenceOptions { Models = [new ModelOptions { Alias = "e", Folder = Clip, Load = ModelLoad.OnDemand, Optimize = OptimizeChoice.Off }] };
        using var registry = new ModelSetup(
            options, new BatchingOptions { MaxBatch = 4, Streams = 1 }, new WorkerMetrics(Metrics.NewCustomRegistry()), TimeProvider.System, NullLogger.Instance).Load();
        var copy = Assert.IsType<OnDemandCopy>(Assert.Single(registry.All));
        using var rows = new SampleRows(copy);
        var cycles = Enumerable.Range(0, 6).Select(_ =>
        {
            copy.Load();
            copy.Run(rows.All, CancellationToken.None);
            var loaded = HeapUse.Now();
            copy.Unload();
            return (Freed: loaded - HeapUse.Now(), After: HeapUse.Now());
        }).ToArray();

        var graphs = ModelFolder.Open(Clip).Files.Where(file => file.Name.EndsWith(".onnx", StringComparison.Ordinal)).Sum(file => file.Bytes);
        Assert.All(cycles, cycle => Assert.InRange(cycle.Freed, graphs / 2, long.MaxValue));
        // What is left does not grow from cycle to cycle.
        Assert.InRange(cycles[^1].After - cycles[1].After, long.MinValue, graphs / 4);
        Assert.InRange(copy.Bytes, graphs, 100 * graphs);
    }
}
