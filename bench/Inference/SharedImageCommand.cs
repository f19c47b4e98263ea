using System.CommandLine;
using System.Globalization;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Inference;

/// <summary>Several questions about one image, against as many about as many images.</summary>
internal static class SharedImageCommand
{
    private static readonly Option<int> Tokens = new("--tokens") { Description = "Tokens of each answer.", DefaultValueFactory = _ => 32 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, taking turns; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<int> Threads = new("--threads") { Description = "Threads of a run.", DefaultValueFactory = _ => Environment.ProcessorCount };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("shared-image", "Several questions about one image in one batch, with a model of SmolVLM-256M's size.") { Tokens, Rounds, Threads, Out };
        command.SetAction(result => Run(result.GetValue(Tokens), result.GetValue(Rounds), result.GetValue(Threads), result.GetValue(Out)));
        return command;
    }

    private static void Run(int tokens, int rounds, int threads, string? file)
    {
        using var chat = FullSizeChat.Make(threads);
        using var report = new Report("Several questions about one image", file);
        report.Line($"A model of SmolVLM-256M's sizes with random weights, int8, {threads} threads; an image in one frame, {chat.PromptTokens} tokens of each prompt, "
            + $"{tokens} of each answer. Medians of {rounds} rounds that take turns.");
        var lines = new List<string>();
        foreach (var questions in (int[])[1, 2, 4, 8])
        {
            var (one, many) = (new List<double>(), new List<double>());
            for (var round = 0; round <= rounds; round++)
            {
                var took = (
                    One: BatchSizes.Time(() => chat.AskAbout(questions, tokens, oneImage: true)),
                    Many: BatchSizes.Time(() => chat.AskAbout(questions, tokens, oneImage: false)));
                // The first round takes memory.
                if (round == 0)
                    continue;
                one.Add(took.One);
                many.Add(took.Many);
            }

            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"| {questions} | {Statistics.Median(many):0} | {Statistics.Median(one):0} | {Statistics.Median(many) / Statistics.Median(one):0.00} | {Same(chat, questions, tokens)} of {questions} |"));
        }

        report.Line("| questions | each about another image, ms | all about one image, ms | times faster | answers equal to those given alone |\n|---|---|---|---|---|\n" + string.Join('\n', lines));
    }

    private static int Same(FullSizeChat chat, int questions, int tokens)
    {
        var together = chat.AskAbout(questions, tokens, oneImage: true);
        return Enumerable.Range(0, questions).Count(row => chat.AskAlone(row, tokens).SequenceEqual(together[row]));
    }
}
