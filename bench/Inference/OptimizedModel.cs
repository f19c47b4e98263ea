using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Bench.Inference;

/// <summary>A model folder optimised for the CPU, for as long as the benchmark runs.</summary>
internal sealed class OptimizedModel : IDisposable
{
    private OptimizedModel(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Optimises an exported folder; its fp32 graphs where it has them.</summary>
    public static OptimizedModel Make(string source, CpuPrecision precision)
    {
        var parameters = ExportedModel.Read(ModelFolder.Open(source));
        var target = Directory.CreateTempSubdirectory("vlworker-bench-").FullName;
        var manifest = new ModelManifest(
            "bench", parameters.ModelType, "cpu", precision == CpuPrecision.Fp32 ? "fp32" : "int8", CpuLayout.Name,
            new ModelSource("export", "", []), [], new Dictionary<string, string>());
        OptimizedFolder.Write(source, target, manifest, CpuModels.Build(parameters, PreprocessorConfig.Load(source).Normalization, precision));
        return new OptimizedModel(target);
    }

    public void Dispose() => Directory.Delete(Folder, true);
}
