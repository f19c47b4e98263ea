using System.Globalization;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Looks at a job or pauses it, whether a producer runs it at the moment or not.</summary>
internal sealed class JobControlRun(Terminal terminal, string path)
{
    /// <summary>Shows how far the job is.</summary>
    public async Task<int> StatusAsync()
    {
        using var job = JobFile.Open(path);
        bool running;
        using (var lease = JobLease.TryTake(path))
            running = lease is null;
        var (listed, unanswered) = (job.Items.Count, job.Unanswered);
        var waiting = job.Items.CountPending(job.Watermark);
        await using var output = new StreamWriter(terminal.Output, leaveOpen: true);
        await Line(output, "job", job.Settings.Job);
        await Line(output, "source", job.Settings.Source.ToString());
        await Line(output, "state", $"{Word(job, unanswered)}{(running ? ", a producer runs it" : "")}");
        await Line(output, "listed", $"{listed:N0}{(job.IsListed ? "" : " so far")}");
        await Line(output, "unpublished", $"{waiting:N0}");
        await Line(output, "in flight", $"{Math.Max(0, unanswered - waiting):N0}");
        var outcomes = job.Outcomes.All().Where(outcome => outcome.Count > 0);
        foreach (var outcome in outcomes.GroupBy(outcome => outcome.Kind == OutcomeKind.Described ? outcome.Kind : $"{outcome.Kind}: {outcome.Detail}"))
            await Line(output, outcome.Key, $"{outcome.Sum(part => part.Count):N0}");
        if (job.WorkingSeconds > 0)
            await Line(output, "throughput", $"{job.Outcomes.Settled / job.WorkingSeconds:N1} images/s");
        return ExitCode.Success;
    }

    /// <summary>Pauses it.</summary>
    public async Task<int> PauseAsync()
    {
        using var job = JobFile.Open(path);
        if (job.Control == JobControl.Cancelled)
            throw new ProducerException(ExitCode.Usage, "the job is cancelled");
        job.Command(JobControl.Paused);
        await SayAsync($"paused; 'backfill resume {path}' goes on");
        return ExitCode.Success;
    }

    private static string Word(JobFile job, long unanswered) => job.Control switch
    {
        JobControl.Paused => "paused",
        JobControl.Cancelled => $"cancelled{(unanswered > 0 ? ", answers are missing" : "")}{(job.Cancellation.IsUntold ? ", workers do not know" : "")}",
        _ when job.IsListed && unanswered == 0 && !job.IsComparing => "done",
        _ => "unfinished",
    };

    private static Task Line(StreamWriter output, string name, FormattableString text) => Line(output, name, text.ToString(CultureInfo.InvariantCulture));

    private static Task Line(StreamWriter output, string name, string text) => output.WriteLineAsync(Printing.Plain.Line($"{name,-28} {text}"));

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {text}");
}
