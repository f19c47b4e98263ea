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
        var graphs = ModelFolder.Open(Clip).Files.Where(file => file.Name.EndsWith(".onnx", StringComparison.Ordinal)).Sum(file => file.Bytes);
        var left = new List<long>();
        // The runtime takes some megabytes while it compiles what has become hot, and then no more; what a model leaves would come each time.
        while (left.Count < 12 || (left.Count < 400 && !StaysLevel()))
        {
            copy.Load();
            copy.Run(rows.All, CancellationToken.None);
            var loaded = HeapUse.Now();
            copy.Unload();
            left.Add(HeapUse.Now());
            Assert.InRange(loaded - left[^1], graphs / 2, long.MaxValue);
        }

        Assert.True(StaysLevel(), $"what was left of a model of {graphs} bytes, time by time: {string.Join(' ', left)}");
        Assert.InRange(copy.Bytes, graphs, 100 * graphs);

        bool StaysLevel() => left[^12..].Zip(left[^11..], static (one, next) => next - one).Order().ElementAt(5) <= graphs / 1000;
    }

    [Fact]
    public void What_loading_a_model_leaves_on_the_managed_heap_goes_with_it()
    {
        WeakReference? left = null;
        using var plans = Load();
        using var copy = new OnDemandCopy(DeviceName.Cpu, 1, plans, () =>
        {
            // As large as what reading a tokenizer leaves: small collections don't look at it.
            left = new WeakReference(new byte[1_000_000]);
            return Load();
        });
        var swap = new ModelSwap(new WorkerMetrics(Metrics.NewCustomRegistry()), TimeProvider.System, NullLogger.Instance);
        var model = new PooledModel([copy]);
        swap.Load(model);
        swap.Unload(model, "idle");
        Assert.False(left!.IsAlive);

        static IModel Load() => ModelLoader.Load(new ModelOptions { Alias = "e", Folder = Clip });
    }
}
