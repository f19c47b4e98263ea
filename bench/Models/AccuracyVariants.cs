using Spectre.Console;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Pruning;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models.Pruning;
using VlWorker.Models.Quantizing;
using VlWorker.Models.Verification;

namespace VlWorker.Bench.Models;

/// <summary>A way to make a model smaller.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="MakeAsync">Makes it of the source in a folder; tells where it is.</param>
internal sealed record AccuracyVariant(string Name, Func<string, string, Task<ModelChoice>> MakeAsync);

/// <summary>The models of the table.</summary>
internal static class AccuracyVariants
{
    private static readonly int[] Shares = [10, 30, 50];

    /// <summary>All ways, in the order of the table.</summary>
    /// <param name="model">The demo model's name.</param>
    public static IEnumerable<AccuracyVariant> All(string model) =>
    [
        new("fp32, as exported", (source, _) => Task.FromResult(new ModelChoice(source, ModelPrecision.Fp32))),
        Quantized("fp16, calibrated", new QuantizationRecipe { Target = QuantizationTarget.Fp16 }),
        Quantized("int8", new QuantizationRecipe()),
        new("int8, the bundled export", (_, _) => Task.FromResult(new ModelChoice(Path.Combine(Repository.Models, model), ModelPrecision.Quantized))),
        Quantized("weights of 8 bits", new QuantizationRecipe { Target = QuantizationTarget.Weights8 }),
        Quantized("weights of 4 bits", new QuantizationRecipe { Target = QuantizationTarget.Weights4 }),
        Optimized("optimised, fp32", ConversionPrecision.Fp32),
        Optimized("optimised, int8", ConversionPrecision.Int8),
        .. Shares.Select(share => Sparse(share)),
        .. Shares.Select(share => Pruned(share, ConversionPrecision.Fp32)),
        Pruned(30, ConversionPrecision.Int8),
    ];

    private static AccuracyVariant Quantized(string name, QuantizationRecipe recipe) => new(name, async (source, target) =>
    {
        var images = recipe.Target == QuantizationTarget.Fp16 ? Repository.Samples : null;
        await CheckAsync(new QuantizeRun(new QuantizeSettings(source, recipe) { Out = target, Images = images }, Quiet(), Console.Error)
            .RunAsync(CancellationToken.None));
        return new ModelChoice(target, recipe.Precision);
    });

    private static AccuracyVariant Optimized(string name, ConversionPrecision precision) => new(name, (source, target) =>
    {
        ModelConverter.Convert(SourceModel.OpenExport(source, ModelPrecision.Fp32), new ConversionOptions(ConversionTarget.Cpu, precision), target);
        return Task.FromResult(new ModelChoice(target));
    });

    private static AccuracyVariant Sparse(int percent) => new($"pruned, unstructured, {percent} %", async (source, target) =>
    {
        await CheckAsync(Task.FromResult(new PruneRun(new PruneSettings(source, target) { Sparsity = percent / 100.0 }, Quiet(), Console.Error)
            .Run()));
        return new ModelChoice(target);
    });

    private static AccuracyVariant Pruned(int percent, ConversionPrecision precision) => new(
        $"pruned, structured, {percent} %, optimised, {precision.ToString().ToLowerInvariant()}", async (source, target) =>
        {
            var settings = new PruneSettings(source, target)
            {
                Structured = new StructuredPruningOptions(percent / 100.0, percent / 100.0, false),
                Conversion = new ConversionOptions(ConversionTarget.Cpu, precision),
            };
            await CheckAsync(Task.FromResult(new PruneRun(settings, Quiet(), Console.Error).Run()));
            return new ModelChoice(target);
        });

    private static async Task CheckAsync(Task<int> exit)
    {
        if (await exit != 0)
            throw new InvalidOperationException("a model could not be made; the error output says why");
    }

    private static IAnsiConsole Quiet() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
}
