using System.CommandLine;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.Cli;

/// <summary>Where the broker is.</summary>
internal sealed class BrokerOption
{
    private readonly Option<string?> _uri = new("--uri")
    {
        Description = $"The broker: amqp[s]://user:password@host:port/vhost. Default: ${BrokerAddress.Variable}, or {BrokerAddress.Default}. "
            + "Keep passwords in the variable: command lines show in process lists.",
        HelpName = "URI",
    };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Add(_uri);

    /// <summary>The broker's address.</summary>
    public BrokerAddress Address(ParseResult result, Terminal terminal) =>
        BrokerAddress.Parse(result.GetValue(_uri) ?? terminal.Environment(BrokerAddress.Variable) ?? BrokerAddress.Default);
}
