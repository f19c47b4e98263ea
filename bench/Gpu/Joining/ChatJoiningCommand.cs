using System.CommandLine;
using System.Diagnostics;
using VlWorker.Bench.Gpu.Families;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3.Cuda;

namespace VlWorker.Bench.Gpu.Joining;

/// <summary>SmolVLM-256M of random weights on a GPU: batches that rows leave and join against whole ones.</summary>
internal static class ChatJoiningCommand
{
    private const double LeastRatio = 1.2;

    private static readonly JoinPolicy Standard = JoinPolicy.Default;

    private static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder for the model's checkpoint; if it is not there it is made, of random weights.",
        Required = true,
    };

    private static readonly Option<int[]> Batches = new("--batches")
    {
        Description = "Rows of a batch at most; an engine is loaded for each.",
        DefaultValueFactory = _ => [64, 256],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string[]> Ways = new("--ways")
    {
        Description = "What is compared; whole batches always are.",
        DefaultValueFactory = _ => [.. ChatWay.All.Select(static way => way.Name)],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Lanes = new("--lanes") { Description = "Batches in flight.", DefaultValueFactory = _ => 2 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, in turns; medians count.", DefaultValueFactory = _ => 2 };
    private static readonly Option<double> Load = new("--load") { Description = "Arrivals as well, at this share of whole batches' rate; 0: none." };
    private static readonly Option<double> Leave = new("--leave")
    {
        Description = "Rows move together once steps run over at most this share of the places.",
        DefaultValueFactory = _ => Standard.Leave,
    };

    private static readonly Option<double> Free = new("--free")
    {
        Description = "Rows join once at least this share of the places is free.",
        DefaultValueFactory = _ => Standard.Free,
    };

    private static readonly Option<int> Pause = new("--pause")
    {
        Description = "Steps between joins at least.",
        DefaultValueFactory = _ => Standard.Pause,
    };

    private static readonly Option<string> Python = new("--reference")
    {
        Description = "A Python with torch and transformers, which makes the model.",
        DefaultValueFactory = _ => "python3",
    };

    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if joining is faster as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("chat-joining", "SmolVLM-256M on a GPU: batches that rows leave and join, against whole ones.")
        {
            Models, Batches, Ways, Lanes, Rounds, Load, Leave, Free, Pause, Python, Out,
        };
        command.SetAction(result =>
        {
            var models = result.GetRequiredValue(Models).FullName;
            GpuFamiliesCommand.Make(result.GetValue(Python)!, models, [ChatCase.Name]);
            ChatWay[] ways = [.. ChatWay.All.Where((way, i) => i == 0 || result.GetValue(Ways)!.Contains(way.Name))];
            var policy = new JoinPolicy(result.GetValue(Leave), result.GetValue(Free), result.GetValue(Pause));
            using var report = new Report("Batches of a chat model on a GPU that rows leave and join", result.GetValue(Out));
            var folder = Path.Combine(models, ChatCase.Name);
            var plan = new Plan(
                folder, result.GetValue(Batches)!, ways, result.GetValue(Lanes), result.GetValue(Rounds), result.GetValue(Load), policy);
            return Run(plan, report) ? 0 : 1;
        });
        return command;
    }

    private static bool Run(Plan plan, Report report)
    {
        var started = Stopwatch.GetTimestamp();
        var graphs = ChatCase.Graphs(plan.Folder);
        using (var context = new CudaContext(0))
            report.Line($"{context.Name}, {context.Memory().Total >> 30} GiB. SmolVLM-256M, fp16, random weights; an image of one frame and a "
                + "question a row, from 8-bit images in the host's memory to tokens there.");
        var (leave, free, pause) = plan.Policy;
        report.Line($"Up to {plan.Lanes} batches in flight; medians of {plan.Rounds} rounds, taking turns. Rows move together once steps run over "
            + FormattableString.Invariant($"at most {leave} of the places, and join once {free} of them are free, {pause} steps apart at least."));
        var (good, before) = (true, Array.Empty<int[]>());
        foreach (var batch in plan.Batches)
        {
            var settings = new CudaSettings(0, plan.Lanes, batch);
            using var engine = CudaChatEngine.Load(graphs, settings, 200);
            var loaded = Stopwatch.GetElapsedTime(started).TotalSeconds;
            report.Line(FormattableString.Invariant($"## Batches of {engine.MaxBatch}, loaded after {loaded:0} s"));
            report.Line(GpuTables.Sizes(engine.Sizes));
            var race = new ChatJoiningRace(engine, settings with { MaxBatch = engine.MaxBatch }, plan.Policy, plan.Ways, plan.Rounds, report);
            race.Run(plan.Load);
            if (before.Length > 0)
                report.Line($"Whole batches of {batch} and of the size before: equal {TokenAgreement.Of(race.Answers, before)}.");
            before = race.Answers;
            var reached = race.Ratio >= LeastRatio;
            report.Line(FormattableString.Invariant($"{plan.Ways[^1].Name} over whole batches: {race.Ratio:0.00} (must be {LeastRatio}): ")
                + (reached ? "reached" : "NOT reached"));
            good &= reached;
        }

        report.Line(FormattableString.Invariant($"All of it took {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s."));
        return good;
    }

    private sealed record Plan(string Folder, int[] Batches, ChatWay[] Ways, int Lanes, int Rounds, double Load, JoinPolicy Policy);
}
