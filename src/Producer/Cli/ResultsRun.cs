using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Cli;

/// <summary>Takes results from a queue, shows them, and acknowledges what was shown.</summary>
internal sealed class ResultsRun(Terminal terminal, BrokerAddress address, ResultsSettings settings)
{
    private const int Prefetch = 100;

    private long _shown;
    private long _unreadable;

    /// <summary>Runs to the end, to the count, or until it is cancelled; returns the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "results", cancellation);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        var reader = new ArrivalReader(channel, settings.Queue ?? await BindAsync(channel, cancellation));
        var prefetch = (ushort)Math.Min(settings.Count ?? Prefetch, Prefetch);
        var arrivals = settings.Follow ? reader.FollowAsync(prefetch, cancellation) : reader.DrainAsync(cancellation);
        try
        {
            await ShowAsync(channel, arrivals, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && settings.Follow)
        {
            // Ctrl-C is how following ends.
        }
        catch (IOException)
        {
            // The reader of our output has seen enough. What it did not read was not acknowledged.
        }

        await SayAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{_shown:N0} shown{(settings.Peek ? ", all left in the queue" : "")}{(_unreadable > 0 ? $", {_unreadable:N0} not readable and left in the queue" : "")}"));
        return ExitCode.Success;
    }

    private async Task ShowAsync(IChannel channel, IAsyncEnumerable<Arrival> arrivals, CancellationToken cancellation)
    {
        var writer = AnswerWriters.Create(settings.Format, terminal);
        await foreach (var arrival in arrivals.WithCancellation(cancellation))
        {
            if (IsOthers(arrival) || Shown(writer, arrival))
            {
                if (!settings.Peek)
                    await channel.BasicAckAsync(arrival.Tag, multiple: false, CancellationToken.None);
            }
            else
            {
                _unreadable++;
                await SayAsync($"a message of {arrival.Body.Length:N0} bytes is not JSON");
            }

            if (_shown >= settings.Count)
                return;
        }
    }

    private bool Shown(IAnswerWriter writer, Arrival arrival)
    {
        try
        {
            writer.Write(arrival.Body);
            _shown++;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Different jobs may share a word of the routing key.
    private bool IsOthers(Arrival arrival)
    {
        if (settings.Job is null)
            return false;
        try
        {
            return Answer.Read(arrival.Body).JobId != settings.Job;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task<string> BindAsync(IChannel channel, CancellationToken cancellation)
    {
        try
        {
            var queue = await channel.QueueDeclareAsync(cancellationToken: cancellation);
            var pattern = settings.Job is null ? "#" : $"*.*.{Topology.Word(settings.Job)}";
            await channel.QueueBindAsync(queue.QueueName, Topology.ResultsExchange, pattern, cancellationToken: cancellation);
            return queue.QueueName;
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == 404)
        {
            throw TopologyCheck.Missing($"the exchange '{Topology.ResultsExchange}' does not exist", error);
        }
    }

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {text}");
}
