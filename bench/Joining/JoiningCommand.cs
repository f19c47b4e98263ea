using System.CommandLine;
using VlWorker.Batching;
using VlWorker.Bench.Inference;

namespace VlWorker.Bench.Joining;

/// <summary>
/// <c>joining</c>: whether rows should join batches that run already. Costs of images, prompts and steps are measured on the engine, or taken from
/// what was recorded on a GPU; whole batches and joining are simulated with them.
/// </summary>
internal static class JoiningCommand
{
    // Prompts of the rows whose steps are measured: short, for only the steps count.
    private const int Words = 16;

    private const int Gpu = 64;
    private const double DearJoin = 10;
    private const int CaptionRounds = 5;

    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = $"Rounds in which costs are measured, {CaptionRounds} times as many of captions; the fastest counts.",
        DefaultValueFactory = _ => 5,
    };

    private static readonly Option<int> Seeds = new("--seeds") { Description = "Runs of each simulation.", DefaultValueFactory = _ => 5 };
    private static readonly Option<string?> Out = new("--out") { Description = "File for the result, Markdown." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("joining", "Rows that join running batches against whole ones, with measured costs.") { Rounds, Seeds, Out };
        command.SetAction(result => Run(result.GetValue(Rounds), result.GetValue(Seeds), result.GetValue(Out)));
        return command;
    }

    private static void Run(int rounds, int seeds, string? file)
    {
        using var report = new Report("Rows that join running batches, against whole batches", file);
        var tables = new JoiningTables(seeds);
        var (streams, maxBatch) = (Environment.ProcessorCount, new BatchingOptions().MaxBatch);
        report.Line($"Costs on the processor: {streams} streams of one thread, all measured at the same time. The median of "
            + $"{StageMeasurement.Window} steps, the fastest of {rounds} rounds, of captions {CaptionRounds * rounds}.");
        Captions(report, tables, new StageMeasurement(streams, CaptionRounds * rounds), streams, maxBatch);
        Chat(report, tables, new StageMeasurement(streams, rounds), streams, maxBatch);
        RecordedOnGpu(report, tables);
        report.Line("## Simulated");
        report.Line($"Means of {seeds} seeds; arrivals and answers are the same for all. A stream that is idle takes what waits; the image and the "
            + "prompt of a row that joins run between two steps, which wait for it. On the processor finished rows leave their batch, on the GPU "
            + "they keep their places to its end. Each row is answered when it is finished, as in the worker; \"answers at their end\" answers a batch's rows "
            + "together, and changes nothing else. The last columns compare the better kind of joining with whole batches.");
        report.Line("Rows a second where rows always wait:");
        report.Line(tables.Throughput);
        report.Line("Latency in milliseconds, mean / 95th percentile, Poisson arrivals. The load is a share of what whole batches do, above:");
        report.Line(tables.Latency);
    }

    private static void Captions(Report report, JoiningTables tables, StageMeasurement measurement, int streams, int maxBatch)
    {
        using var captions = new SampleCaptions(threads: 1, maxBatch);
        int[] sizes = [1, 4, 8, maxBatch];
        var costs = measurement.Measure(new MeasuredEngine(
            captions.Clock, (rows, tokens, _) => captions.Ask(rows, tokens), sizes, sizes, Windows: 1, StepImages: true, StepPrompt: 1));
        Describe(report, "demo-captioner, int8, the processor", costs, measurement);
        var simulated = tables.Add(new SimulatedEngine("captions, processor", costs, streams, maxBatch, 1), AnswerLengths.Seen(captions.Lengths));
        var measured = Enumerable.Range(0, CaptionRounds).Max(_ => captions.PerSecond(streams));
        report.Line(FormattableString.Invariant($"Whole batches of {maxBatch} on the engine, rows always waiting: {measured:0} captions a second; ")
            + FormattableString.Invariant($"simulated with these costs: {simulated:0}."));
    }

    private static void Chat(Report report, JoiningTables tables, StageMeasurement measurement, int streams, int maxBatch)
    {
        using var chat = FullSizeChat.Make(threads: 1);
        var costs = measurement.Measure(new MeasuredEngine(
            chat.Clock, (rows, tokens, images) => chat.Ask(rows, tokens, images, Words), [1, 3], [1, 4, 8, maxBatch], 6, StepImages: false, Words));
        Describe(report, "SmolVLM-256M's sizes, random weights, int8, an image in one frame, the processor", costs, measurement);
        JoinedRows.Check(chat, measurement, report);
        foreach (var rows in (int[])[4, maxBatch])
            tables.Add(new SimulatedEngine($"answers, processor, batches of {rows}", costs, streams, rows, chat.PromptTokens), AnswerLengths.Spread);
    }

    private static void RecordedOnGpu(Report report, JoiningTables tables)
    {
        var costs = RecordedGpu.Costs();
        report.Line("## SmolVLM-256M, fp16, an image in one frame, one H200");
        report.Line($"From {RecordedGpu.File}, of single batches: {costs}. How an answer's time divides into prompt and steps was not measured "
            + "there: it is inferred from the answers about 13 frames. What a join costs beside its rows is the least certain of it: it is simulated "
            + FormattableString.Invariant($"once more with {DearJoin} ms. One batch in flight is simulated; two, as by default, did ")
            + FormattableString.Invariant($"{RecordedGpu.InFlight(Gpu):0.00} times as many images a second in batches of {Gpu}, ")
            + FormattableString.Invariant($"{RecordedGpu.InFlight(4 * Gpu):0.00} times in batches of {4 * Gpu}. ")
            + "What was recorded of ViT-GPT2, BLIP and Florence-2 does not tell prompt and steps apart at more than one size: they are left out.");
        Simulate("", Gpu, costs, AnswerLengths.Spread);
        Simulate("", 4 * Gpu, costs, AnswerLengths.Spread);
        Simulate(", finished rows leave", 4 * Gpu, costs, AnswerLengths.Spread, keepsPlaces: false);
        Simulate(FormattableString.Invariant($", a join {DearJoin} ms"), Gpu, costs with { PromptFixed = DearJoin }, AnswerLengths.Spread);
        Simulate("", Gpu, costs, AnswerLengths.Alike);

        void Simulate(string what, int rows, StageCosts with, AnswerLengths lengths, bool keepsPlaces = true)
        {
            var name = $"answers, GPU, batches of {rows}{what}";
            tables.Add(new SimulatedEngine(name, with, 1, rows, 0) { KeepsPlaces = keepsPlaces, Sizes = RecordedGpu.Sizes(rows) }, lengths);
        }
    }

    private static void Describe(Report report, string what, StageCosts costs, StageMeasurement measurement)
    {
        report.Line($"## {what}");
        report.Line($"Fitted: {costs}.");
        report.Line(measurement.Table);
    }
}
