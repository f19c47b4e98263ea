using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;

namespace VlWorker.Bench.Serving;

/// <summary>The demo captioner as a worker with default settings runs it: rebuilt for the processor, from the same cache.</summary>
internal static class DemoCaptioner
{
    /// <summary>The folder of the graphs that run.</summary>
    public static string Folder()
    {
        var options = new ModelOptions { Alias = "demo-captioner", Folder = Path.Combine(Repository.Models, "demo-captioner") };
        var device = new DeviceSpec(DeviceName.Parse("cpu"), Environment.ProcessorCount, 16);
        return new ModelOptimizer(ModelOptimizer.DefaultCache, NullLogger.Instance).Choose(ModelFolder.Open(options.Folder, options.Precision), options, device).Path;
    }
}
