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

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal)
    {
        var command = new Command("results", "Prints results and rejections as they arrive, and acknowledges each once it is printed.")
        {
            _queue, _job, _live, _count, _follow, _peek,
        };
        _common.AddTo(command);
        command.Validators.Add(result =>
        {
            var temporary = result.GetValue(_job) is not null || result.GetValue(_live);
            if (temporary && result.GetValue(_queue) is not null)
                result.AddError("--queue takes from a queue that exists, --job and --live from a temporary one");
            if (result.GetValue(_peek) && (temporary || result.GetValue(_follow)))
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
        var temporary = job is not null || result.GetValue(_live);
        var settings = new ResultsSettings(
            temporary ? null : result.GetValue(_queue) ?? Topology.ResultsQueue,
            job,
            result.GetValue(_count),
            temporary || result.GetValue(_follow),
            result.GetValue(_peek),
            result.GetValue(_common.Format));
        return new ResultsRun(terminal, _common.Address(result, terminal), settings).RunAsync(cancellation);
    }
}
