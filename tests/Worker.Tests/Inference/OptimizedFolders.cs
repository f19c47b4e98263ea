using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Model folders optimised for the CPU, for tests.</summary>
internal static class OptimizedFolders
{
    /// <summary>Optimises an exported folder. The caller deletes the result.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="precision">What to make of it.</param>
    /// <param name="change">Changes the parameters.</param>
    public static string Cpu(string folder, ConversionPrecision precision, Func<FamilyParameters, FamilyParameters>? change = null)
    {
        var source = SourceModel.OpenExport(folder, ModelPrecision.Auto);
        source = change is null ? source : source.Change("Changed for a test.", change);
        var target = Directory.CreateTempSubdirectory("vlworker-optimised-").FullName;
        ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return target;
    }
}
