using System.CommandLine;
using Spectre.Console;
using VlWorker.Demo;
using VlWorker.ModelKit.Quantization;
using VlWorker.Models.Quantizing;

namespace VlWorker.Models;

/// <summary><c>vl-worker model quantize</c>.</summary>
internal static class QuantizeCommand
{
    private const string Description = """
        Rewrites the fp32 graphs of a model folder with smaller numbers and loads each result once. It writes beside the originals, with the
        suffix that tells the precision (_quantized, _q8, _q4, _fp16), or into a folder of its own. What it cost is a question for `model verify`.
        Exit code: 0 done; 1 a graph was written but ONNX Runtime can't load it; 2 nothing was done; 130 interrupted.
        """;

    private static readonly Argument<string> Folder = new("FOLDER") { Description = "Model folder with fp32 graphs." };
    private static readonly Option<QuantizationTarget> Target = new("--to")
    {
        Description = "Int8: dynamic 8-bit integers, the fastest on most processors. Weights8, Weights4: weights alone, in blocks. Fp16: 16-bit floats, for GPUs.",
        Required = true,
    };

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Folder for the result, with the configuration and the tokenizer. [default: beside the originals]",
        HelpName = "DIR",
    };
    private static readonly Option<bool> Force = new("--force") { Description = "Replaces graphs of that precision that are there already." };
    private static readonly Option<string[]> Operators = new("--operators")
    {
        Description = $"Operators to rewrite, of {string.Join(", ", DynamicInt8Options.Operators)}. [default: all but Conv, whose integers are slow and cost the most accuracy]",
        AllowMultipleArgumentsPerToken = true,
        HelpName = "OP",
    };

    private static readonly Option<string[]> Exclude = new("--exclude")
    {
        Description = "Leaves out nodes whose name, weight or output matches, such as '*lm_head*'; with Fp16 they stay 32-bit. Can be given several times.",
        HelpName = "PATTERN",
    };

    private static readonly Option<bool> PerTensor = new("--per-tensor")
    {
        Description = "Int8: one scale a matrix, instead of one for each output.",
    };
    private static readonly Option<bool> Unsigned = new("--unsigned")
    {
        Description = "Int8: unsigned weights with zero points, instead of signed ones around 0.",
    };
    private static readonly Option<bool> ReduceRange = new("--reduce-range")
    {
        Description = "Int8: weights of 7 bits, for processors without VNNI, where sums of 8-bit products saturate.",
    };
    private static readonly Option<int> BlockSize = new("--block-size")
    {
        Description = "Weights4, Weights8: weights that share a scale, 16 to 256.",
        DefaultValueFactory = _ => 32,
        HelpName = "N",
    };
    private static readonly Option<bool> Symmetric = new("--symmetric") { Description = "Weights4, Weights8: no zero points." };
    private static readonly Option<int> AccuracyLevel = new("--accuracy-level")
    {
        Description = "Weights4, Weights8: how the engine may compute: 0 as it likes, 1 fp32, 4 int8 activations, the fastest.",
        DefaultValueFactory = _ => 4,
        HelpName = "N",
    };

    private static readonly Option<string?> Images = new("--images")
    {
        Description = "Fp16: folder of calibration images. Values that pass fp16's range, or lose digits in it, stay 32-bit.",
        HelpName = "DIR",
    };

    private static readonly Option<int> Limit = new("--limit")
    {
        Description = "Fp16: calibration images at most.",
        DefaultValueFactory = _ => 16,
        HelpName = "N",
    };
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Lists every node with its fate." };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var command = new Command("quantize", Description)
        {
            Folder, Target, Out, Force, Operators, Exclude, PerTensor, Unsigned, ReduceRange, BlockSize, Symmetric, AccuracyLevel, Images, Limit, Verbose,
        };
        command.SetAction(async (result, cancellation) =>
        {
            using var signals = new StopSignals(cancellation);
            return await new QuantizeRun(Read(result), AnsiConsole.Console, Console.Error).RunAsync(signals.Token);
        });
        return command;
    }

    private static QuantizeSettings Read(ParseResult result) => new(result.GetRequiredValue(Folder), new QuantizationRecipe
    {
        Target = result.GetRequiredValue(Target),
        Operators = result.GetValue(Operators) is { Length: > 0 } operators ? operators : null,
        Exclude = result.GetValue(Exclude) ?? [],
        Int8 = new DynamicInt8Options
        {
            PerChannel = !result.GetValue(PerTensor),
            Signed = !result.GetValue(Unsigned),
            ReduceRange = result.GetValue(ReduceRange),
        },
        Weights = new WeightOnlyOptions
        {
            BlockSize = result.GetValue(BlockSize),
            Symmetric = result.GetValue(Symmetric),
            AccuracyLevel = result.GetValue(AccuracyLevel),
        },
    })
    {
        Out = result.GetValue(Out),
        Force = result.GetValue(Force),
        Images = result.GetValue(Images),
        Limit = result.GetValue(Limit),
        Verbose = result.GetValue(Verbose),
    };
}
