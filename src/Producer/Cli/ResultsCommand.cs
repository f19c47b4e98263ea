using System.CommandLine;
using VlWorker.Contracts;

namespace VlWorker.Producer.Cli;

/// <summary><c>results</c>: shows what comes out.</summary>
internal sealed class ResultsCommand
{
    private readonly CommonOptions _common = new();

    private readonly Option<string?> _queue = new("--queue")
    {
        Description = $"The queue to take from; default: {Topology.ResultsQueue}. What was printed is removed from it.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _job = new("--job")
    {
        Description = "Only the results of this job, from now on, by a temporary queue: nothing is taken from anybody.",
        HelpName = "JOB",
    };

    private readonly Option<bool> _live = new("--live") { Description = "All results, from now on, by a temporary queue." };

    private readonly Option<int?> _count = new("--count", "-n") { Description = "Ends after so many.", HelpName = "N" };

    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Goes on when the queue is empty, until Ctrl-C." };

    private readonly Option<bool> _peek = new("--peek", "--no-ack") { Description = "Leaves everything in the queue." };

    private readonly Option<string?> _subscribe = new("--subscribe")
    {
        Description = "Makes a durable queue of this name, if there is none, and takes from it; it fills while nobody reads.",
        HelpName = "NAME",
    };

    private readonly Option<string[]> _bindings = new("--binding")
    {
        Description = "What the subscription gets; default: everything, with --job that job. Can be given several times.",
        HelpName = "KEY",
    };

    private readonly ResultFileOptions _files = new();

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal)
    {
        var command = new Command("results", "Prints results and rejections as they arrive, or keeps them in files, and acknowledges each once that is done.")
        {
            _queue, _job, _live, _count, _follow, _peek, _subscribe, _bindings,
        };
        _files.AddTo(command);
        _common.AddTo(command);
        command.Validators.Add(result =>
        {
            var subscribed = result.GetValue(_subscribe) is not null;
            var temporary = (result.GetValue(_job) is not null && !subscribed) || result.GetValue(_live);
            if (subscribed && (result.GetValue(_queue) is not null || result.GetValue(_live)))
                result.AddError("--subscribe makes a queue of its own: it excludes --queue and --live");
            if (!subscribed && result.GetValue(_bindings) is { Length: > 0 })
                result.AddError("--binding goes with --subscribe");
            if (temporary && result.GetValue(_queue) is not null)
                result.AddError("--queue takes from a queue that exists, --job and --live from a temporary one");
            if (result.GetValue(_peek) && (temporary || subscribed || result.GetValue(_follow) || _files.NamesFile(result)))
                result.AddError("--peek looks at what is in a queue: it goes with --queue and --count only");
            if (result.GetValue(_count) is < 1)
                result.AddError("--count takes a number from 1");
        });
        command.SetAction((result, cancellation) => RunAsync(result, terminal, cancellation));
        return command;
    }

    private Task<int> RunAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        var job = result.GetValue(_job);
        var subscription = result.GetValue(_subscribe);
        var temporary = subscription is null && (job is not null || result.GetValue(_live));
        var settings = new ResultsSettings(
            temporary || subscription is not null ? null : result.GetValue(_queue) ?? Topology.ResultsQueue,
            job,
            result.GetValue(_count),
            temporary || result.GetValue(_follow),
            result.GetValue(_peek),
            result.GetValue(_common.Format),
            subscription,
            result.GetValue(_bindings) is { Length: > 0 } bindings ? bindings : [job is null ? "#" : $"*.*.{Topology.Word(job)}"],
            _files.Unreadable(result, isEndless: temporary || result.GetValue(_follow)),
            _files.Store(result, terminal));
        return new ResultsRun(terminal, _common.Address(result, terminal), settings).RunAsync(cancellation);
    }
}
