using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;
using VlWorker.Producer.Results;

namespace VlWorker.Producer.Cli;

/// <summary>Takes results from a queue, shows them, and acknowledges what was shown.</summary>
internal sealed class ResultsRun(Terminal terminal, BrokerAddress address, ResultsSettings settings)
{
    private const int Prefetch = 100;

    private readonly UnreadableMessages _unreadable = new(settings.Unreadable, terminal);
    private long _shown;

    /// <summary>Runs to the end, to the count, or until it is cancelled; returns the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "results", cancellation);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        if (settings.Subscription is { } subscription)
            await SubscribeAsync(connection, subscription, cancellation);
        var reader = new ArrivalReader(channel, settings.Subscription ?? settings.Queue ?? await BindAsync(channel, cancellation));
        if (settings.Store is not null)
            return await KeepAsync(channel, reader, cancellation);
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
        catch (IOException error) when (Terminal.IsUnread(error))
        {
            // The reader of our output has seen enough. What it did not read was not acknowledged.
        }

        await SayAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{_shown:N0} shown{(settings.Peek ? ", all left in the queue" : "")}{_unreadable.Summary}"));
        return ExitCode.Success;
    }

    private async Task<int> KeepAsync(IChannel channel, ArrivalReader reader, CancellationToken cancellation)
    {
        using var store = await settings.Store!();
        var prefetch = (ushort)Math.Clamp(settings.Count ?? store.Capacity, 1, store.Capacity);
        var keeper = new ResultKeeper(store, _unreadable, settings.Job, settings.Count, prefetch, terminal);
        try
        {
            await keeper.RunAsync(channel, settings.Follow ? reader.FollowAsync(prefetch, cancellation) : reader.DrainAsync(cancellation), cancellation);
        }
        finally
        {
            await SayAsync(string.Create(CultureInfo.InvariantCulture, $"{keeper.Kept:N0} kept{_unreadable.Summary}"));
        }

        return ExitCode.Success;
    }

    /// <summary>A queue of one's own that is there while nobody reads: nothing is taken from anybody.</summary>
    private async Task SubscribeAsync(IConnection connection, string name, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            var arguments = Topology.StorageQueueArguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
            await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation);
            foreach (var binding in settings.Bindings)
                await channel.QueueBindAsync(name, Topology.ResultsExchange, binding, cancellationToken: cancellation);
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason is { ReplyCode: 404 or 406 } reason)
        {
            throw reason.ReplyCode == 404
                ? TopologyCheck.Missing($"the exchange '{Topology.ResultsExchange}' does not exist", error)
                : new ProducerException(ExitCode.Topology, $"the queue '{name}' exists and is declared otherwise: {reason.ReplyText}", error);
        }
    }

    private async Task ShowAsync(IChannel channel, IAsyncEnumerable<Arrival> arrivals, CancellationToken cancellation)
    {
        var writer = AnswerWriters.Create(settings.Format, terminal);
        await foreach (var arrival in arrivals.WithCancellation(cancellation))
        {
            if ((IsOthers(arrival) || await ShownAsync(writer, arrival)) && !settings.Peek)
                await channel.BasicAckAsync(arrival.Tag, multiple: false, CancellationToken.None);
            if (_shown >= settings.Count)
                return;
        }
    }

    /// <summary>Whether a message was shown, or kept because it can't be: in either case it may be acknowledged.</summary>
    private async Task<bool> ShownAsync(IAnswerWriter writer, Arrival arrival)
    {
        try
        {
            writer.Write(arrival.Body);
            _shown++;
            return true;
        }
        catch (JsonException error)
        {
            await _unreadable.AddAsync(arrival, error.Message);
            await _unreadable.FlushAsync();
            return _unreadable.IsKept;
        }
    }

    // Different jobs may share a word of the routing key.
    private bool IsOthers(Arrival arrival)
    {
        if (settings.Job is null)
            return false;
        try
        {
            return AnswerBody.Read(arrival.Body).JobId != settings.Job;
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

/// <summary>Which results to show, and how.</summary>
/// <param name="Queue">A queue that exists; null for a temporary one.</param>
/// <param name="Job">Only this job's, or null for all.</param>
/// <param name="Count">End after so many, or null.</param>
/// <param name="Follow">Whether to go on when there is nothing more.</param>
/// <param name="Peek">Whether to leave them where they are.</param>
/// <param name="Format">Form of the output, or null for the default.</param>
/// <param name="Subscription">A durable queue of one's own to make and take from, or null.</param>
/// <param name="Bindings">Binding keys of the subscription.</param>
/// <param name="Unreadable">The file for messages that are no results; null leaves them in the queue.</param>
/// <param name="Store">Opens the files that results are kept in; null where they are shown.</param>
internal sealed record ResultsSettings(
    string? Queue,
    string? Job,
    int? Count,
    bool Follow,
    bool Peek,
    string? Format,
    string? Subscription,
    IReadOnlyList<string> Bindings,
    string? Unreadable,
    Func<Task<IResultStore>>? Store);
