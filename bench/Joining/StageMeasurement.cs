using VlWorker.Bench.Inference;

namespace VlWorker.Bench.Joining;

/// <summary>An engine to measure.</summary>
/// <param name="Clock">Follows its decoder.</param>
/// <param name="Ask">Has some rows, with images or without, generate that many tokens each.</param>
/// <param name="PromptRows">Numbers of rows whose images and prompts are measured.</param>
/// <param name="StepRows">Numbers of rows whose steps are measured.</param>
/// <param name="Windows">Windows of steps of those.</param>
/// <param name="StepImages">Whether rows whose steps are measured have images.</param>
/// <param name="StepPrompt">Tokens of those rows' prompts.</param>
internal sealed record MeasuredEngine(
    GraphClock Clock, Action<int, int, bool> Ask, int[] PromptRows, int[] StepRows, int Windows, bool StepImages, int StepPrompt);

/// <summary>Measures what the parts of a batch take while as many streams as a worker has by default do the same, as they do under load.</summary>
/// <param name="streams">Streams.</param>
/// <param name="rounds">
/// Rounds in which the cases take turns. Of neighbouring steps the median counts, of streams and rounds the fastest: what else runs on the machine
/// only adds.
/// </param>
internal sealed class StageMeasurement(int streams, int rounds)
{
    /// <summary>Steps whose median is taken.</summary>
    public const int Window = 16;

    private readonly List<(string Name, double Measured, double Fitted)> _points = [];

    /// <summary>What was measured, and what the fitted costs say, a table.</summary>
    public string Table => "| what | measured, ms | fitted, ms |\n|---|---|---|\n" + string.Join('\n', _points.Select(static point =>
        FormattableString.Invariant($"| {point.Name} | {point.Measured:0.00} | {point.Fitted:0.00} |")));

    /// <summary>Measures an engine.</summary>
    public StageCosts Measure(MeasuredEngine engine)
    {
        var prompts = Fastest([.. engine.PromptRows.Select(rows => (Func<StageTimes>)(() => engine.Clock.Time(() => engine.Ask(rows, 2, true), 2)))]);
        var tokens = 1 + (Window * engine.Windows);
        var answers = Fastest([.. engine.StepRows.Select(rows =>
            (Func<StageTimes>)(() => engine.Clock.Time(() => engine.Ask(rows, tokens, engine.StepImages), tokens)))]);
        var steps = engine.StepRows.Zip(answers).SelectMany(one => one.Second.Steps.Select((took, i) => new Step(
            one.First, engine.StepPrompt + ((i + 0.5) * Window), took))).ToList();
        return Fit(engine, [.. prompts.Select(static times => times.Prompt)], steps);
    }

    /// <summary>The fastest times of each case; of steps, one for each <see cref="Window"/>.</summary>
    public StageTimes[] Fastest(Func<StageTimes>[] cases)
    {
        var seen = cases.Select(static _ => new List<StageTimes>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < cases.Length; i++)
                seen[i].AddRange(Together(cases[i]));
        }

        return [.. seen.Select(static times => new StageTimes(
            times.Min(static one => one.Prompt),
            [.. Enumerable.Range(0, times[0].Steps.Length).Select(i => times.Min(one => one.Steps[i]))]))];
    }

    private StageTimes[] Together(Func<StageTimes> run)
    {
        using var start = new Barrier(streams);
        var took = new StageTimes[streams];
        Thread[] threads = [.. Enumerable.Range(0, streams).Select(stream => new Thread(() =>
        {
            start.SignalAndWait();
            var times = run();
            took[stream] = times with { Steps = [.. times.Steps.Chunk(Window).Select(Statistics.Median)] };
        }))];
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        return took;
    }

    private StageCosts Fit(MeasuredEngine engine, double[] prompts, List<Step> steps)
    {
        var prompt = LeastSquares.Fit([.. engine.PromptRows.Select(static rows => (double[])[1, rows])], prompts);
        // Where all contexts are alike, what they cost is part of what a row costs.
        var contexts = engine.Windows > 1;
        var step = LeastSquares.Fit(
            [.. steps.Select(point => contexts ? (double[])[1, point.Rows, point.Rows * point.Context] : [1, point.Rows])],
            [.. steps.Select(static point => point.Milliseconds)]);
        var costs = new StageCosts(prompt[0], prompt[1], step[0], step[1], contexts ? step[2] : 0);
        _points.AddRange(engine.PromptRows.Select((rows, i) => ($"images and prompts of {rows}", prompts[i], costs.Prompt(rows))));
        _points.AddRange(steps.Select(point => (
            FormattableString.Invariant($"a step of {point.Rows}, contexts of {point.Context:0} tokens"),
            point.Milliseconds,
            costs.Step(point.Rows, point.Rows * point.Context))));
        return costs;
    }

    private readonly record struct Step(int Rows, double Context, double Milliseconds);
}
