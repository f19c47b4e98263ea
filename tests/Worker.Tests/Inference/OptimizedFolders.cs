using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Model folders optimised for the CPU, for tests.</summary>
internal static class OptimizedFolders
{
    /// <summary>Optimises an exported folder. The caller deletes the result.</summary>
    public static string Cpu(string folder, ConversionPrecision precision)
    {
        var target = Directory.CreateTempSubdirectory("vlworker-optimised-").FullName;
        ModelConverter.Convert(SourceModel.OpenExport(folder, ModelPrecision.Auto), new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return target;
    }
}
