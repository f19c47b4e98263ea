using System.CommandLine;
using VlWorker.Producer.Backfill;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Cli;

/// <summary><c>backfill status, pause, resume, cancel, report</c>: a job that another process may be running.</summary>
internal sealed class BackfillControlCommands
{
    private readonly Argument<string> _file = new("file") { Description = "The job file.", HelpName = "FILE" };
    private readonly Option<string?> _html = new("--html") { Description = "Writes the report as a page.", HelpName = "FILE" };

    private readonly Option<string?> _notDescribed = new("--not-described")
    {
        Description = "Writes what has no result as JSON lines, with the reason; such a file is a manifest too.",
        HelpName = "FILE",
    };

    private readonly BrokerOption _broker = new();
    private readonly StoreOptions _store = new();
    private readonly BackfillPaceOptions _pace = new();

    /// <summary>The commands.</summary>
    public IEnumerable<Command> Create(Terminal terminal)
    {
        yield return Command("status", "Shows how far a job is.", (result, _) =>
            new JobControlRun(terminal, result.GetRequiredValue(_file)).StatusAsync());
        yield return Command("pause", "Publishes no more of a job until it is resumed; what is queued goes on.", (result, _) =>
            new JobControlRun(terminal, result.GetRequiredValue(_file)).PauseAsync());
        var resume = Command("resume", "Ends a pause; where no producer runs the job, takes it up like --resume.", (result, cancellation) =>
            ResumeAsync(result, terminal, cancellation));
        _pace.AddTo(resume);
        _store.AddTo(resume);
        _broker.AddTo(resume);
        yield return resume;
        var cancel = Command("cancel", "Publishes no more of a job, broker or not, and has workers reject what is queued.", (result, cancellation) =>
            new JobCancelRun(terminal, result.GetRequiredValue(_file)).RunAsync(() => _broker.Address(result, terminal), cancellation));
        _broker.AddTo(cancel);
        yield return cancel;
        var report = Command("report", "Says what became of a job: counts by reason, examples, the slowest.", (result, _) =>
            new JobReportRun(terminal, result.GetRequiredValue(_file)).RunAsync(result.GetValue(_html), result.GetValue(_notDescribed)));
        report.Add(_html);
        report.Add(_notDescribed);
        yield return report;
    }

    private Command Command(string name, string description, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        var command = new Command(name, description) { _file };
        command.SetAction(action);
        return command;
    }

    private async Task<int> ResumeAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        var path = result.GetRequiredValue(_file);
        using var job = JobFile.Open(path);
        if (job.Control == JobControl.Paused)
            job.Command(JobControl.Run);
        using var lease = await JobLease.TryTakeAsync(path, terminal.Time, cancellation);
        if (lease is null)
        {
            await terminal.Error.WriteLineAsync("vl-producer: the producer that runs the job goes on");
            return ExitCode.Success;
        }

        using var source = ItemSources.Open(job.Settings.Source, _store.Settings(result, terminal));
        return await new BackfillRun(terminal, _broker.Address(result, terminal), job, _pace.Settings(result)).RunAsync(source, cancellation);
    }
}
