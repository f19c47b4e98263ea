using System.CommandLine;
using VlWorker.Producer.Broker;
using VlWorker.Security;

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

    private readonly Option<string?> _ca = File(
        "--ca-file", BrokerAddress.CaVariable, "amqps: PEM file with the authorities that may vouch for the broker, in place of the system's.");

    private readonly Option<string?> _certificate = File(
        "--client-certificate-file", BrokerAddress.CertificateVariable, "amqps: PEM file with the certificate that is shown to the broker.");

    private readonly Option<string?> _key = File(
        "--client-key-file", BrokerAddress.KeyVariable, "amqps: PEM file with that certificate's private key, not encrypted.");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_uri);
        command.Add(_ca);
        command.Add(_certificate);
        command.Add(_key);
    }

    /// <summary>The broker's address.</summary>
    /// <exception cref="ProducerException">There is something wrong with it, or with the files.</exception>
    public BrokerAddress Address(ParseResult result, Terminal terminal) => BrokerAddress.Parse(
        Value(_uri, BrokerAddress.Variable, result, terminal) ?? BrokerAddress.Default,
        new TlsFiles(
            Value(_ca, BrokerAddress.CaVariable, result, terminal),
            Value(_certificate, BrokerAddress.CertificateVariable, result, terminal),
            Value(_key, BrokerAddress.KeyVariable, result, terminal)));

    private static string? Value(Option<string?> option, string variable, ParseResult result, Terminal terminal) =>
        result.GetValue(option) ?? terminal.Environment(variable);

    private static Option<string?> File(string name, string variable, string description) =>
        new(name) { Description = $"{description} Default: ${variable}.", HelpName = "FILE" };
}
