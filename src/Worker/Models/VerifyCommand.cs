using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;
using VlWorker.Demo;
using VlWorker.ModelKit;
using VlWorker.Models.Verification;

namespace VlWorker.Models;

/// <summary><c>vl-worker model verify</c>.</summary>
internal static class VerifyCommand
{
    private const string Description = """
        Runs two models of one family over a folder of images and says what the second lost and gained: captions and tokens, or embeddings and
        recall; speed, files and memory. The folder may hold truth.json (an array of { "file", "caption" }), against which both are measured too.
        Exit code: 0 the candidate is good enough; 1 it is below a threshold; 2 the arguments, the models or the images can't be used;
        130 interrupted.
        """;

    private static readonly Argument<string> Original = new("ORIGINAL") { Description = "Folder of the model that is right." };
    private static readonly Argument<string> Candidate = new("CANDIDATE")
    {
        Description = "Folder of the model that is to replace it; may be the same folder with another precision.",
    };

    private static readonly Option<string> Images = new("--images")
    {
        Description = "Folder of images, with its sub-folders. What can't be decoded is listed and left out.",
        HelpName = "DIR",
        Required = true,
    };

    private static readonly Option<int?> Limit = new("--limit")
    {
        Description = "Takes the first N images only, in the order of their names.",
        CustomParser = Count,
        HelpName = "N",
    };
    private static readonly Option<ModelPrecision> OriginalPrecision = Precision("--original-precision", "original");
    private static readonly Option<ModelPrecision> CandidatePrecision = Precision("--candidate-precision", "candidate");
    private static readonly Option<int?> Beams = new("--beams")
    {
        Description = "Beams for both captioners, 1 is greedy search. [default: each model's own]",
        CustomParser = Count,
        HelpName = "N",
    };
    private static readonly Option<string?> Question = new("--question")
    {
        Description = "Asks both models this about every image; truth.json holds the answers then. [default: captions; a model that only answers is asked what is shown]",
        HelpName = "TEXT",
    };
    private static readonly Option<string?> Texts = new("--texts")
    {
        Description = "File of texts, one a line, that both text towers embed besides the captions of truth.json.",
        HelpName = "FILE",
    };

    private static readonly Option<double> EqualCaptions = Share("--min-equal-captions", "Share of captions that must be equal; 0 asks for nothing.",
        0.98);
    private static readonly Option<double> Cosine = Share("--min-cosine",
        "The lowest cosine of an image's or a text's two embeddings; 0 asks for nothing.", 0.999);
    private static readonly Option<double?> Recall = Optional("--min-recall",
        "The candidate's recall at 1, image to caption and caption to image; needs truth.json.");
    private static readonly Option<double?> TruthShare = Optional("--min-truth",
        "Share of the candidate's captions that must equal those of truth.json.");
    private static readonly Option<double?> Deviation = Optional("--max-deviation",
        "The greatest difference of a caption's two scores, or of two embeddings in one dimension.");
    private static readonly Option<double?> SpeedUp = Optional("--min-speedup", "Images/s of the candidate divided by those of the original.");
    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Rounds in which speed is measured, the models taking turns; the median counts. 0 measures neither speed nor memory.",
        DefaultValueFactory = _ => 3,
        HelpName = "N",
    };

    private static readonly Option<int> Batch = new("--batch") { Description = "Images a batch.", DefaultValueFactory = _ => 8, HelpName = "N" };
    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Folder for verification.json and verification.html; replaces those of an earlier run.",
        HelpName = "DIR",
    };
    private static readonly Option<bool> Json = new("--json") { Description = "Prints the report as JSON in place of the tables." };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var command = new Command("verify", Description)
        {
            Original, Candidate, Images, Limit, OriginalPrecision, CandidatePrecision, Beams, Question, Texts,
            EqualCaptions, Cosine, Recall, TruthShare, Deviation, SpeedUp, Rounds, Batch, Out, Json,
        };
        command.SetAction(async (result, cancellation) =>
        {
            using var signals = new StopSignals(cancellation);
            return await new VerifyRun(Read(result), AnsiConsole.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(signals.Token);
        });
        return command;
    }

    private static VerifySettings Read(ParseResult result) => new(
        new ModelChoice(result.GetRequiredValue(Original), result.GetValue(OriginalPrecision)),
        new ModelChoice(result.GetRequiredValue(Candidate), result.GetValue(CandidatePrecision)),
        result.GetRequiredValue(Images))
    {
        Limit = result.GetValue(Limit),
        Beams = result.GetValue(Beams),
        Question = result.GetValue(Question),
        Texts = result.GetValue(Texts),
        Rounds = result.GetValue(Rounds),
        Batch = result.GetValue(Batch),
        Out = result.GetValue(Out),
        Json = result.GetValue(Json),
        Thresholds = new Thresholds
        {
            MinEqualCaptions = result.GetValue(EqualCaptions),
            MinCosine = result.GetValue(Cosine),
            MinRecall = result.GetValue(Recall),
            MinTruth = result.GetValue(TruthShare),
            MaxDeviation = result.GetValue(Deviation),
            MinSpeedUp = result.GetValue(SpeedUp),
        },
    };

    private static int? Count(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)
            return count;
        result.AddError($"{((OptionResult)result.Parent!).Option.Name} takes a whole number above 0");
        return null;
    }

    private static Option<ModelPrecision> Precision(string name, string which) => new(name)
    {
        Description = $"Which graphs of the {which} to run, by the suffix of their files; Auto takes the first that is there in full.",
        DefaultValueFactory = _ => ModelPrecision.Auto,
    };

    private static Option<double> Share(string name, string description, double value) =>
        new(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "X" };

    private static Option<double?> Optional(string name, string description) => new(name) { Description = description, HelpName = "X" };
}
