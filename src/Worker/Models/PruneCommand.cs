using System.CommandLine;
using Spectre.Console;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Pruning;
using VlWorker.Models.Pruning;

namespace VlWorker.Models;

/// <summary><c>vl-worker model prune</c>.</summary>
internal static class PruneCommand
{
    private const string Description = """
        Takes the weights of least magnitude out of a model. --sparsity sets single weights of exported graphs to 0: the matrices keep their
        shape, so the graphs get neither smaller nor faster. --heads and --neurons take whole attention heads and feed-forward neurons out, which does shrink
        the matrices, and write an optimised folder. A model that was not trained on afterwards loses quickly: `model verify` says how much.
        Exit code: 0 done; 2 nothing was done.
        """;

    private static readonly Argument<string> Folder = new("FOLDER")
    {
        Description = "Model folder with fp32 graphs; for --heads and --neurons also a checkpoint.",
    };
    private static readonly Option<string> Out = new("--out") { Description = "The folder to make.", HelpName = "DIR", Required = true };
    private static readonly Option<double?> Sparsity = new("--sparsity")
    {
        Description = "Share of the weights that become 0, 0 to 1.",
        HelpName = "X",
    };
    private static readonly Option<double> Heads = new("--heads")
    {
        Description = "Share of the attention heads that go, 0 to below 1; each block keeps one.",
        HelpName = "X",
    };
    private static readonly Option<double> Neurons = new("--neurons")
    {
        Description = "Share of the feed-forward neurons that go, 0 to below 1; each block keeps one.",
        HelpName = "X",
    };
    private static readonly Option<bool> Global = new("--global")
    {
        Description = "The weakest of a whole graph or tower go, else each matrix or block loses the same share.",
    };
    private static readonly Option<string[]> Operators = new("--operators")
    {
        Description = $"--sparsity: operators whose weights are pruned, of {string.Join(", ", MagnitudePruning.Operators)}.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => ["MatMul", "Gemm"],
        HelpName = "OP",
    };

    private static readonly Option<string[]> Exclude = new("--exclude")
    {
        Description = "--sparsity: leaves out nodes whose name, weight or output matches, such as '*lm_head*'. Can be given several times.",
        HelpName = "PATTERN",
    };

    private static readonly Option<bool> Force = new("--force") { Description = "Replaces graphs that are there already." };
    private static readonly Option<ConversionTarget> Target = new("--target")
    {
        Description = "--heads, --neurons: the kind of processor to build for.",
    };
    private static readonly Option<ConversionPrecision> Precision = new("--precision")
    {
        Description = "--heads, --neurons: the number format of the weights.",
    };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var command = new Command("prune", Description)
        {
            Folder, Out, Sparsity, Heads, Neurons, Global, Operators, Exclude, Force, Target, Precision,
        };
        command.SetAction(result => new PruneRun(Read(result), AnsiConsole.Console, Console.Error).Run());
        return command;
    }

    private static PruneSettings Read(ParseResult result) => new(result.GetRequiredValue(Folder), result.GetRequiredValue(Out))
    {
        Sparsity = result.GetValue(Sparsity),
        Structured = new StructuredPruningOptions(result.GetValue(Heads), result.GetValue(Neurons), result.GetValue(Global)),
        Operators = result.GetValue(Operators) ?? [],
        Exclude = result.GetValue(Exclude) ?? [],
        Force = result.GetValue(Force),
        Conversion = new ConversionOptions(result.GetValue(Target), result.GetValue(Precision)),
    };
}
