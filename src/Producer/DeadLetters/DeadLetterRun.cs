using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.DeadLetters;

/// <summary>Connects, and does with the dead letters what was asked for.</summary>
internal sealed class DeadLetterRun(Terminal terminal, BrokerAddress address, DeadLetterFilter filter)
{
    /// <summary>Shows letters, a line each, and leaves them where they are.</summary>
    public Task<int> ListAsync(DeadLetterPrinter printer, int count, CancellationToken cancellation) => WithQueueAsync(async (_, queue) =>
    {
        var (seen, shown, reasons) = (0, 0, new SortedDictionary<string, int>(StringComparer.Ordinal));
        await foreach (var letter in queue.WalkAsync(cancellation))
        {
            seen++;
            if (!filter.Matches(letter))
                continue;
            reasons[letter.Reason] = reasons.GetValueOrDefault(letter.Reason) + 1;
            if (shown == 0)
                await printer.HeadAsync();
            if (shown++ < count)
                await printer.RowAsync(letter);
        }

        await SayAsync($"{shown:N0} of {seen:N0} dead letters{(shown > count ? $", the first {count:N0} shown" : "")}"
            + string.Concat(reasons.Select(reason => $"; {reason.Value:N0} {reason.Key}")));
        return ExitCode.Success;
    }, cancellation);

    /// <summary>Shows everything about the letters that are meant.</summary>
    /// <param name="printer">Where to.</param>
    /// <param name="save">Fetches the image of a letter, or null.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<int> ShowAsync(DeadLetterPrinter printer, Func<DeadLetter, Task>? save, CancellationToken cancellation) => WithQueueAsync(async (_, queue) =>
    {
        var shown = 0;
        await foreach (var letter in queue.WalkAsync(cancellation))
        {
            if (!filter.Matches(letter))
                continue;
            shown++;
            await printer.WholeAsync(letter);
            if (save is not null)
                await save(letter);
        }

        if (shown > 0)
            return ExitCode.Success;
        await SayAsync($"there is no dead letter {filter.Id}");
        return ExitCode.Usage;
    }, cancellation);

    /// <summary>Publishes letters again.</summary>
    public Task<int> ReplayAsync(double? rate, CancellationToken cancellation) => WithQueueAsync(async (connection, queue) =>
    {
        await using var publisher = await connection.CreateChannelAsync(RequestPublisher.ChannelOptions, cancellation);
        var replay = new DeadLetterReplay(queue, publisher, new Pace(rate, terminal.Time));
        try
        {
            await replay.RunAsync(filter, cancellation);
        }
        finally
        {
            await SayAsync($"{replay.Replayed:N0} dead letters published again, confirmed and removed"
                + (replay.Homeless > 0 ? $"; {replay.Homeless:N0} do not say which queue they came from and stay" : ""));
        }

        return replay.Homeless > 0 ? ExitCode.Usage : ExitCode.Success;
    }, cancellation);

    /// <summary>Removes letters for good, after asking.</summary>
    public Task<int> PurgeAsync(bool confirmed, CancellationToken cancellation) => WithQueueAsync(async (_, queue) =>
    {
        var meant = new List<DeadLetter>();
        var count = filter.IsEverything ? await queue.CountAsync(cancellation) : 0;
        if (!filter.IsEverything)
        {
            await foreach (var letter in queue.WalkAsync(cancellation))
            {
                if (filter.Matches(letter))
                    meant.Add(letter with { Body = [] });
            }

            count = (uint)meant.Count;
        }

        if (count > 0 && !confirmed && !await ConfirmedAsync(count, cancellation))
            throw new ProducerException(ExitCode.Usage, "nothing was deleted");
        foreach (var letter in meant)
            await queue.RemoveAsync(letter);
        var deleted = !filter.IsEverything || count == 0 ? (uint)meant.Count
            : confirmed ? await queue.PurgeAsync(cancellation)
            : await RemoveFirstAsync(queue, count, cancellation);
        await SayAsync($"{deleted:N0} dead letters deleted");
        return ExitCode.Success;
    }, cancellation);

    // Whoever typed the number agreed to these: what has died meanwhile stays.
    private static async Task<uint> RemoveFirstAsync(DeadLetterQueue queue, uint count, CancellationToken cancellation)
    {
        var removed = 0u;
        await foreach (var letter in queue.WalkAsync(cancellation))
        {
            await queue.RemoveAsync(letter);
            if (++removed == count)
                break;
        }

        return removed;
    }

    private async Task<bool> ConfirmedAsync(uint count, CancellationToken cancellation)
    {
        await terminal.Error.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"vl-producer: deletes {count} dead letters for good. Type {count} to go on (or use --yes): "));
        await terminal.Error.FlushAsync(cancellation);
        using var input = new StreamReader(terminal.Input, leaveOpen: true);
        var answer = await input.ReadLineAsync(cancellation).AsTask().WaitAsync(cancellation);
        return answer?.Trim() == count.ToString(CultureInfo.InvariantCulture);
    }

    private async Task<int> WithQueueAsync(Func<IConnection, DeadLetterQueue, Task<int>> work, CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "dead-letters", cancellation);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        var queue = new DeadLetterQueue(channel, terminal.Time);
        int code;
        try
        {
            code = await work(connection, queue);
        }
        catch
        {
            await TryReturnAsync(queue);
            throw;
        }

        await queue.ReturnAsync();
        return code;
    }

    // Why the command failed is what is to be told, not that the letters come back only with the end of the connection.
    private static async Task TryReturnAsync(DeadLetterQueue queue)
    {
        try
        {
            await queue.ReturnAsync();
        }
        catch (Exception error) when (error is RabbitMQClientException or ProducerException or IOException or ObjectDisposedException
            or TimeoutException or OperationCanceledException)
        {
        }
    }

    private Task SayAsync(FormattableString text) => SayAsync(text.ToString(CultureInfo.InvariantCulture));

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {Printing.Plain.Line(text)}");
}
