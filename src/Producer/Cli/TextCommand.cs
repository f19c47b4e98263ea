using System.CommandLine;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Cli;

/// <summary><c>text</c>: embeddings of texts.</summary>
internal sealed class TextCommand
{
    private readonly CommonOptions _common = new();
    private readonly PublishOptions _publish = new();

    private readonly Argument<string[]> _texts = new("text")
    {
        Description = "The texts; each is a request of its own.",
        Arity = ArgumentArity.OneOrMore,
        HelpName = "TEXT",
    };

    private readonly Option<string?> _model = new("--model") { Description = "The model's alias; default: the worker's.", HelpName = "ALIAS" };

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal)
    {
        var command = new Command("text", "Publishes requests for the embeddings of texts.") { _texts, _model };
        _publish.AddTo(command);
        _common.AddTo(command);
        command.SetAction((result, cancellation) => RunAsync(result, terminal, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        var texts = result.GetRequiredValue(_texts);
        if (_publish.HasId(result) && texts.Length > 1)
            throw new ProducerException(ExitCode.Usage, "--id is for one text alone; --id-prefix numbers several");
        var template = _publish.TextTemplate(result, terminal.Time) with { Model = result.GetValue(_model) };
        var requests = new TextRequests(template, _publish.Ids(result, terminal.Time));
        var settings = _publish.Settings(result, Topology.TextRoutingKey, result.GetValue(_common.Format), terminal);
        return await new PublishRun(terminal, _common.Address(result, terminal), settings).RunAsync(
            texts.Select((text, i) => (Func<OutgoingRequest>)(() => requests.FromText(i + 1, text))).ToAsyncEnumerable(), cancellation);
    }
}
