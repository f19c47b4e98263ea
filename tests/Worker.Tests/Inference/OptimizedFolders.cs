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
        return Cpu(change is null ? source : source.Change("Changed for a test.", change), precision);
    }

    /// <summary>Optimises a model. The caller deletes the result.</summary>
    public static string Cpu(SourceModel source, ConversionPrecision precision)
    {
        var target = Directory.CreateTempSubdirectory("vlworker-optimised-").FullName;
        ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return target;
    }

    /// <summary>A fixture's checkpoint, or its exported graphs in 32-bit floats.</summary>
    public static SourceModel Source(string folder, bool fromCheckpoint) =>
        fromCheckpoint ? SourceModel.OpenCheckpoint(folder) : SourceModel.OpenExport(folder, ModelPrecision.Fp32);
}
