using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Model folders optimised for the CPU, for tests.</summary>
internal static class OptimizedFolders
{
    /// <summary>Optimises an exported folder. The caller deletes the result.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="precision">What to make of it.</param>
    /// <param name="change">Changes the parameters.</param>
    public static string Cpu(string folder, CpuPrecision precision, Func<FamilyParameters, FamilyParameters>? change = null)
    {
        var parameters = ExportedModel.Read(ModelFolder.Open(folder));
        parameters = change?.Invoke(parameters) ?? parameters;
        var target = Directory.CreateTempSubdirectory("vlworker-optimised-").FullName;
        var manifest = new ModelManifest(
            "tests", parameters.ModelType, "cpu", precision == CpuPrecision.Fp32 ? "fp32" : "int8", CpuLayout.Name,
            new ModelSource("export", "", []), [], new Dictionary<string, string>());
        OptimizedFolder.Write(folder, target, manifest, CpuModels.Build(parameters, PreprocessorConfig.Load(folder).Normalization, precision));
        return target;
    }
}
