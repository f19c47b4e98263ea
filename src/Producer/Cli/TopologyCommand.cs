using System.CommandLine;
using VlWorker.Producer.Declaring;

namespace VlWorker.Producer.Cli;

/// <summary><c>topology</c>: what must be on the broker.</summary>
internal sealed class TopologyCommand
{
    private readonly BrokerOption _broker = new();

    private readonly Option<string?> _management = new("--management")
    {
        Description = $"The management API, for bindings and policies: http://user:password@host:15672. Default: ${ManagementApi.Variable}.",
        HelpName = "URI",
    };

    private readonly Option<string[]> _policies = new("--policy")
    {
        Description = "A setting by policy, QUEUE:NAME=VALUE, as vl.results:max-length-bytes=10737418240; can be given several times.",
        HelpName = "SETTING",
    };

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal) => new("topology", "Declares or compares exchanges, queues, bindings and policies.")
    {
        Create(terminal, "apply", "Declares what is missing and says what differs.", apply: true),
        Create(terminal, "check", "Changes nothing and says what is missing or differs.", apply: false),
    };

    private Command Create(Terminal terminal, string name, string description, bool apply)
    {
        var command = new Command(name, description) { _management, _policies };
        _broker.AddTo(command);
        command.SetAction((result, cancellation) => RunAsync(result, terminal, apply, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, Terminal terminal, bool apply, CancellationToken cancellation)
    {
        var address = _broker.Address(result, terminal);
        var policies = QueuePolicy.Parse(result.GetValue(_policies) ?? []);
        var uri = result.GetValue(_management) ?? terminal.Environment(ManagementApi.Variable);
        if (uri is null && policies.Count > 0)
            throw new ProducerException(ExitCode.Usage, "--policy needs the management API: --management");
        using var management = uri is null ? null : new ManagementApi(uri, address.VirtualHost);
        return await new TopologyRun(terminal, address, management, policies, apply).RunAsync(cancellation);
    }
}
