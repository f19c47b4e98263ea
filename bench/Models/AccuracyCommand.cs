using System.CommandLine;
using VlWorker.ModelKit;
using VlWorker.Models.Verification;

namespace VlWorker.Bench.Models;

/// <summary>What each way to make a model smaller costs: captions, recall, size and speed against the fp32 export.</summary>
internal static class AccuracyCommand
{
    private const string Introduction = """
        What the ways to make a model smaller cost on the demo models, over the 96 images of `samples/` and their true captions. Each model was made by
        the code behind `vl-worker model quantize`, `prune` and `optimize`, and compared with the fp32 export by that behind `model verify`
        ([models.md](models.md)): batches of 8, as many streams as cores, decoding left out; the fp32 export and the model took turns, so the
        factor is that of one run. How far it can be trusted shows in the first line, where the export is compared with itself. "Optimised" ones
        run on the CPU engine, all others as exported graphs.
        """;

    private const string Notes = """
        Captions "as in fp32" equal those of the fp32 export, "true" ones those of `truth.json`. Cosines are those of a row's embedding by both
        models. Recall counts how often the right one comes first (or is among the first ten) when every image is compared with every caption.
        Unstructured pruning sets that share of the weights of each matrix to zero and makes nothing smaller or faster. Structured pruning takes
        that share of each block's attention heads, rounded down, and feed-forward neurons out: of the demo models' few heads a block, small
        shares take none. Nothing was trained afterwards. The demo models were trained to
        the point on few kinds of pictures; another model loses more or less: measure it.
        """;

    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder with demo-captioner/ and demo-clip/ that hold fp32 graphs.",
        Required = true,
    };
    private static readonly Option<string[]> Only = new("--only")
    {
        Description = "Only variants whose name contains one of these.",
        AllowMultipleArgumentsPerToken = true,
    };
    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Rounds of speed; the median counts.",
        DefaultValueFactory = _ => 3,
    };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("accuracy", "Captions, recall, size and speed of quantised and pruned models.") { Models, Only, Rounds, Out };
        command.SetAction((result, cancellation) => RunAsync(
            result.GetRequiredValue(Models).FullName, result.GetValue(Only) ?? [], result.GetValue(Rounds), result.GetValue(Out), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string models, string[] only, int rounds, string? file, CancellationToken cancellation)
    {
        var work = Directory.CreateTempSubdirectory("vl-accuracy-").FullName;
        try
        {
            using var report = new Report("Accuracy", file);
            report.Line(Introduction);
            foreach (var model in new[] { "demo-captioner", "demo-clip" })
            {
                var rows = new List<string>();
                foreach (var variant in AccuracyVariants.All(model).Where(variant => only.Length == 0 || only.Any(variant.Name.Contains)))
                {
                    var source = Path.Combine(models, model);
                    var made = Path.Combine(work, $"{model}-{rows.Count}");
                    var candidate = await variant.MakeAsync(source, made);
                    var found = await CompareAsync(new ModelChoice(source, ModelPrecision.Fp32), candidate, rounds, cancellation);
                    rows.Add(AccuracyRow.Of(variant.Name, found));
                    await Console.Error.WriteLineAsync(rows[^1]);
                }

                report.Line($"## {model}");
                report.Line(string.Join('\n', [.. AccuracyRow.Head(model == "demo-captioner"), .. rows]));
            }

            report.Line(Notes);
            return 0;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static Task<Findings> CompareAsync(ModelChoice original, ModelChoice candidate, int rounds, CancellationToken cancellation)
    {
        var settings = new VerifySettings(original, candidate, Repository.Samples) { Rounds = rounds };
        return new Verifier(settings, static _ => { }, TimeProvider.System).CompareAsync(ImageSet.Open(settings, cancellation), cancellation);
    }
}
