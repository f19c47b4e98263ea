using System.CommandLine;
using System.Text;
using RabbitMQ.Client.Exceptions;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Cli;

/// <summary>The program as a function of its arguments and its terminal.</summary>
internal static class ProducerCommand
{
    private const string Description = """
        Publishes requests to VlWorker and shows what comes back.

        Exit codes: 0 done; 1 wrong usage or an invalid request; 2 broker not reachable or credentials refused; 3 something is missing on the broker
        or declared otherwise; 4 a message was refused by the broker; 5 with --wait: a request was rejected; 6 with --wait: no answer; 7 the
        images can't be listed; 8 a job file or a file of results can't be used; 130 interrupted.
        """;

    /// <summary>Parses and runs. Ctrl-C and SIGTERM end it in an orderly way.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellation)
    {
        var root = new RootCommand(Description)
        {
            new PublishCommand().Create(terminal), new TextCommand().Create(terminal), new ResultsCommand().Create(terminal),
            new BackfillCommand().Create(terminal), new DeadLettersCommand().Create(terminal), new TopologyCommand().Create(terminal),
        };
        await using var output = new StreamWriter(terminal.Output, new UTF8Encoding(false), leaveOpen: true);
        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(10),
        };
        try
        {
            // A file of arguments (@file) is not wanted: a key may begin with an at sign.
            return await root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(invocation, cancellation);
        }
        catch (ProducerException error)
        {
            await terminal.Error.WriteLineAsync($"vl-producer: {Plain.Line(error.Message)}");
            return error.ExitCode;
        }
        catch (RabbitMQClientException error)
        {
            await terminal.Error.WriteLineAsync($"vl-producer: the broker ended the conversation: {Plain.Line(BrokerConnection.Explain(error))}");
            return ExitCode.Broker;
        }
        catch (IOException)
        {
            await terminal.Error.WriteLineAsync("vl-producer: nobody reads the output any more");
            return ExitCode.Interrupted;
        }
        catch (OperationCanceledException)
        {
            await terminal.Error.WriteLineAsync("vl-producer: interrupted");
            return ExitCode.Interrupted;
        }
    }
}
