using System.CommandLine;
using VlWorker.Contracts;
using VlWorker.Producer.Backfill;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Cli;

/// <summary><c>backfill</c>: a whole archive.</summary>
internal sealed class BackfillCommand
{
    private readonly BrokerOption _broker = new();
    private readonly StoreOptions _store = new();
    private readonly BackfillOptions _job = new();
    private readonly BackfillPaceOptions _pace = new();
    private readonly DryRunOptions _dry = new();
    private readonly Option<string?> _file = new("--file") { Description = "The job file; default: JOB.vljob in this folder.", HelpName = "FILE" };

    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Takes a job up where it ended; everything but the pace comes from its file.",
    };

    private readonly Option<bool> _onlyChanged = new("--only-changed")
    {
        Description = "Lists the source of an earlier job again and publishes what is new or changed, what has no result, "
            + "and what another model answers now.",
    };

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal)
    {
        var command = new Command("backfill", "Publishes the images of a bucket, a manifest or a folder, and follows them until all are answered.")
        {
            _file, _resume, _onlyChanged,
        };
        _job.AddTo(command);
        _pace.AddTo(command);
        _dry.AddTo(command);
        _store.AddTo(command);
        _broker.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_resume) && result.GetValue(_onlyChanged))
                result.AddError("--resume goes on with a pass, --only-changed begins another one");
            if (result.GetValue(_resume) && (_job.HasSource(result) || _job.NarrowsSource(result)))
                result.AddError("--resume takes the source from the job file, with its --prefix, --include, --limit and --manifest-format");
            if (result.GetValue(_onlyChanged) && !_job.HasSource(result) && _job.NarrowsSource(result))
            {
                result.AddError("--prefix, --include, --limit and --manifest-format go with a source: name it again with --bucket, --manifest or "
                    + "--folder, or leave them out to list what the earlier run did");
            }
        });
        command.SetAction((result, cancellation) => RunAsync(result, terminal, cancellation));
        foreach (var sub in new BackfillControlCommands().Create(terminal))
            command.Subcommands.Add(sub);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        if (_dry.IsDry(result))
            return await DryAsync(result, terminal, cancellation);
        var path = result.GetValue(_file) ?? (_job.Job(result) is { } name
            ? $"{Topology.Word(name)}.vljob"
            : throw new ProducerException(ExitCode.Usage, "which job? Give --job or --file"));
        using var lease = await JobLease.TakeAsync(path, terminal.Time, cancellation);
        using var job = Open(result, path, terminal);
        BackfillRun Run() => new(terminal, _broker.Address(result, terminal), job, _pace.Settings(result));
        if (result.GetValue(_onlyChanged))
        {
            var settings = _job.Again(result, job.Settings);
            if (job.Unanswered > 0)
                await Run().TakeWaitingAsync(cancellation);
            job.Pass.Begin(settings);
        }

        using var source = ItemSources.Open(job.Settings.Source, _store.Settings(result, terminal));
        return await Run().RunAsync(source, cancellation);
    }

    private async Task<int> DryAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        var settings = _job.Settings(result);
        using var source = ItemSources.Open(settings.Source, _store.Settings(result, terminal));
        return await new DryRun(terminal, settings.Source, _dry.Settings(result)).RunAsync(source, cancellation);
    }

    private JobFile Open(ParseResult result, string path, Terminal terminal)
    {
        if (!result.GetValue(_resume) && !result.GetValue(_onlyChanged))
            return JobFile.Create(path, _job.Settings(result), terminal.Time);
        var job = JobFile.Open(path);
        if (result.GetValue(_resume) && job.Control == JobControl.Paused)
            job.Command(JobControl.Run);
        return job;
    }
}
