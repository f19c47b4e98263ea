using System.CommandLine;
using VlWorker.Contracts;
using VlWorker.Producer.DeadLetters;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Cli;

/// <summary><c>dead-letters</c>: what could not be answered.</summary>
internal sealed class DeadLettersCommand
{
    private readonly CommonOptions _common = new();

    private readonly Option<string?> _reason = new("--reason")
    {
        Description = $"Only those of this reason: {string.Join(", ", DeadLetterReason.All)}, {DeadLetter.DeliveryLimit}, {DeadLetter.Expired}.",
        HelpName = "REASON",
    };

    private readonly Option<string?> _job = new("--job") { Description = "Only those of this job.", HelpName = "JOB" };
    private readonly Option<string?> _only = new("--id") { Description = "Only the one with this id or message-id.", HelpName = "ID" };
    private readonly Option<bool> _all = new("--all") { Description = "All of them." };
    private readonly Option<int> _count = CommonOptions.Number("--count", "Lines at most.", 100, 1_000_000);
    private readonly Option<double?> _rate = new("--rate") { Description = "So many a second at most.", HelpName = "N" };
    private readonly Option<bool> _yes = new("--yes") { Description = "Does not ask." };
    private readonly Option<string?> _saveImage = new("--save-image") { Description = "Fetches its image from the store.", HelpName = "FILE" };
    private readonly StoreOptions _store = new();
    private readonly Argument<string> _id = new("id") { Description = "The request's id or the message-id.", HelpName = "ID" };

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal) => new("dead-letters", "Looks at dead letters, publishes them again, or deletes them.")
    {
        List(terminal), Show(terminal), Replay(terminal), Purge(terminal),
    };

    private Command List(Terminal terminal)
    {
        var command = new Command("list", "Shows what is there and leaves it there.") { _reason, _job, _only, _count };
        _common.AddTo(command);
        command.SetAction((result, cancellation) => Run(result, terminal).ListAsync(Printer(result, terminal), result.GetValue(_count), cancellation));
        return command;
    }

    private Command Show(Terminal terminal)
    {
        var command = new Command("show", "Shows everything about one: why, when, how often, headers, image, body.") { _id, _saveImage };
        _common.AddTo(command);
        _store.AddTo(command);
        command.SetAction((result, cancellation) =>
            new DeadLetterRun(terminal, _common.Address(result, terminal), new DeadLetterFilter(null, null, result.GetValue(_id)))
                .ShowAsync(
                    Printer(result, terminal),
                    result.GetValue(_saveImage) is { } path
                        ? letter => DeadLetterImage.SaveAsync(letter.Image, _store.Settings(result, terminal), path, cancellation)
                        : null,
                    cancellation));
        return command;
    }

    private Command Replay(Terminal terminal)
    {
        var command = new Command("replay", "Publishes again, as new requests; each is removed once its copy is confirmed.") { _all, _reason, _job, _only, _rate };
        _common.AddTo(command);
        AddSelection(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_rate) is <= 0)
                result.AddError("--rate takes a number above 0");
        });
        command.SetAction((result, cancellation) => Run(result, terminal).ReplayAsync(result.GetValue(_rate), cancellation));
        return command;
    }

    private Command Purge(Terminal terminal)
    {
        var command = new Command("purge", "Deletes for good, after asking.") { _all, _reason, _job, _only, _yes };
        _common.AddTo(command);
        AddSelection(command);
        command.SetAction((result, cancellation) => Run(result, terminal).PurgeAsync(result.GetValue(_yes), cancellation));
        return command;
    }

    private void AddSelection(Command command) => command.Validators.Add(result =>
    {
        var some = (result.GetValue(_reason) ?? result.GetValue(_job) ?? result.GetValue(_only)) is not null;
        if (some == result.GetValue(_all))
            result.AddError("say which: --all, or some by --reason, --job or --id");
    });

    private DeadLetterRun Run(ParseResult result, Terminal terminal) => new(
        terminal,
        _common.Address(result, terminal),
        new DeadLetterFilter(result.GetValue(_reason), result.GetValue(_job), result.GetValue(_only)));

    private DeadLetterPrinter Printer(ParseResult result, Terminal terminal) =>
        new(terminal, (result.GetValue(_common.Format) ?? (terminal.IsInteractive ? AnswerWriters.Table : AnswerWriters.JsonLines)) == AnswerWriters.JsonLines);
}
