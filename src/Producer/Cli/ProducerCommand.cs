using System.CommandLine;
using System.Runtime.InteropServices;
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

    private static readonly TimeSpan InOrder = TimeSpan.FromSeconds(10);

    /// <summary>Parses and runs. Ctrl-C and SIGTERM end it in an orderly way.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => End(signal, stop, terminal.Time));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => End(signal, stop, terminal.Time));
        try
        {
            return await InvokeAsync(args, terminal, stop.Token);
        }
        catch (Exception error) when (Explain(error, stop.IsCancellationRequested) is { } end)
        {
            await terminal.Error.WriteLineAsync($"vl-producer: {Plain.Line(end.Text)}");
            return end.Code;
        }
    }

    private static async Task<int> InvokeAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellation)
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
            ProcessTerminationTimeout = null,
        };

        // A file of arguments (@file) is not wanted: a key may begin with an at sign.
        return await root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(invocation, cancellation);
    }

    /// <summary>The exit code and the sentence of an end that is the user's to mend; null for a defect.</summary>
    private static (int Code, string Text)? Explain(Exception error, bool stopped) => error switch
    {
        ProducerException known => (known.ExitCode, known.Message),
        RabbitMQClientException => (ExitCode.Broker, $"the broker ended the conversation: {BrokerConnection.Explain(error)}"),
        IOException unread when Terminal.IsUnread(unread) => (ExitCode.Interrupted, "nobody reads the output any more"),
        IOException => (ExitCode.JobFile, error.Message),
        OperationCanceledException when stopped => (ExitCode.Interrupted, "interrupted"),

        // The client cancels a question that the broker has left open for too long.
        OperationCanceledException or TimeoutException => (ExitCode.Broker, BrokerConnection.Explain(error)),
        _ => null,
    };

    // The first signal lets the command end in order; the second, or ten seconds, end the process as it is.
    private static void End(PosixSignalContext signal, CancellationTokenSource stop, TimeProvider time)
    {
        signal.Cancel = true;
        if (stop.IsCancellationRequested)
            Environment.Exit(ExitCode.Interrupted);
        _ = Task.Delay(InOrder, time, CancellationToken.None).ContinueWith(_ => Environment.Exit(ExitCode.Interrupted), TaskScheduler.Default);
        stop.Cancel();
    }
}
