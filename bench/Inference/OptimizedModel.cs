using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Inference;

/// <summary>A model folder optimised for the CPU, for as long as the benchmark runs.</summary>
internal sealed class OptimizedModel : IDisposable
{
    private OptimizedModel(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Optimises an exported folder; its fp32 graphs where it has them.</summary>
    public static OptimizedModel Make(string source, ConversionPrecision precision)
    {
        var target = Directory.CreateTempSubdirectory("vlworker-bench-").FullName;
        ModelConverter.Convert(SourceModel.OpenExport(source, ModelPrecision.Auto), new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return new OptimizedModel(target);
    }

    public void Dispose() => Directory.Delete(Folder, true);
}
