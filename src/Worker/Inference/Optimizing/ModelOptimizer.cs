using Microsoft.ML.OnnxRuntime;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Files;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Inference.Optimizing;

/// <summary>
/// Puts an optimised model in the place of an exported one: converts it into the cache when it is met first, compares the two once, and stays
/// with the export where anything is in the way. A model must never be kept from running by this.
/// </summary>
/// <param name="cache">Folder of the cache.</param>
/// <param name="logger">Told what runs, and why.</param>
internal sealed class ModelOptimizer(string cache, ILogger logger)
{
    // What is compared goes row by row: a GPU need not prepare for more.
    private const int SmallBatch = 4;

    private readonly ModelCache _cache = new(cache);

    /// <summary>Where optimised models are kept by default: the user's cache directory, or the temporary one.</summary>
    public static string DefaultCache => Path.Combine(UserFolders.Cache, "vlworker", "models");

    /// <summary>The folder to run in place of an exported one.</summary>
    /// <param name="exported">The folder of the settings; an optimised one is returned as it is.</param>
    /// <param name="options">How the model runs.</param>
    /// <param name="device">What it runs on.</param>
    public ModelFolder Choose(ModelFolder exported, ModelOptions options, DeviceSpec device)
    {
        if (options.Optimize == OptimizeChoice.Off || exported.Manifest is not null)
            return exported;
        try
        {
            if (Wanted(exported, options, device) is not { } wanted)
                return exported;
            var path = _cache.GetOrAdd(SourceModel.OpenExport(exported), wanted);
            var optimised = ModelFolder.Open(path);
            var verdict = Verdict.Read(path) ?? Compare(exported, optimised, options, device);
            if (verdict.Good)
            {
                Log.Optimised(logger, options.Alias, path, verdict.Finding);
                return optimised;
            }

            Log.NotOptimised(logger, options.Alias, verdict.Finding);
        }
        catch (Exception error) when (error is ModelFolderException or IOException or UnauthorizedAccessException or OnnxRuntimeException
            or OutOfDeviceMemoryException)
        {
            Log.NotOptimised(logger, options.Alias, error.Message);
        }

        return exported;
    }

    // The precision of the export stays; on a GPU it becomes 16-bit floats, unless 32-bit ones were asked for by name.
    private static ConversionOptions? Wanted(ModelFolder exported, ModelOptions options, DeviceSpec device)
    {
        var target = device.Name.Kind == DeviceKind.Cuda ? ConversionTarget.Cuda : ConversionTarget.Cpu;
        ConversionPrecision? precision = (exported.Precision, target) switch
        {
            (ModelPrecision.Fp32, ConversionTarget.Cpu) => ConversionPrecision.Fp32,
            (ModelPrecision.Fp16, ConversionTarget.Cpu) => ConversionPrecision.Fp32,
            (ModelPrecision.Quantized, ConversionTarget.Cpu) => ConversionPrecision.Int8,
            (ModelPrecision.Fp32, ConversionTarget.Cuda) when options.Precision == ModelPrecision.Fp32 => ConversionPrecision.Fp32,
            (ModelPrecision.Fp32 or ModelPrecision.Fp16 or ModelPrecision.Quantized, ConversionTarget.Cuda) => ConversionPrecision.Fp16,
            _ => null,
        };
        return precision is { } known && GraphTargets.Supports(exported.Family, new ConversionOptions(target, known)) ? new ConversionOptions(target, known) : null;
    }

    private static Verdict Compare(ModelFolder exported, ModelFolder optimised, ModelOptions options, DeviceSpec device)
    {
        var reference = new ModelReference { Alias = options.Alias, Revision = string.Empty };
        using var expected = ModelLoader.Load(reference, exported, options, DeviceSpec.Cpu);
        using var actual = ModelLoader.Load(
            reference, optimised, options with { Precision = ModelPrecision.Auto }, device with { Streams = 1, MaxBatch = SmallBatch });
        using var rows = VerificationRows.Of(expected);
        var agreement = ModelAgreement.Measure(expected, actual, rows.All, CancellationToken.None);
        var exact = exported.Precision == ModelPrecision.Fp32 && optimised.Precision == ModelPrecision.Fp32;
        var verdict = new Verdict(agreement.IsGood(exact), $"compared with the export: {agreement}");
        verdict.Write(optimised.Path);
        return verdict;
    }
}
