using System.Text.Json;
using RabbitMQ.Client;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Results;

/// <summary>Takes results from a queue into files and acknowledges them once they are on the disk.</summary>
/// <param name="store">The files.</param>
/// <param name="unreadable">Takes what is no result.</param>
/// <param name="job">Only this job's results are kept; null for all.</param>
/// <param name="count">Ends after so many, or null.</param>
/// <param name="most">Messages that are not acknowledged, at most.</param>
/// <param name="terminal">For messages and the clock.</param>
internal sealed class ResultKeeper(IResultStore store, UnreadableMessages unreadable, string? job, int? count, int most, Terminal terminal)
{
    private readonly List<ulong> _tags = [];
    private long _first;

    /// <summary>Messages kept.</summary>
    public long Kept { get; private set; }

    /// <summary>Keeps what comes, until it ends or is cancelled; what was taken by then is kept too.</summary>
    public async Task RunAsync(IChannel channel, IAsyncEnumerable<Arrival> arrivals, CancellationToken cancellation)
    {
        await using var source = arrivals.GetAsyncEnumerator(cancellation);
        var next = MoveAsync(source, cancellation);
        while (true)
        {
            if (_tags.Count > 0 && (_tags.Count >= most || Left() <= TimeSpan.Zero))
                await SettleAsync(channel);
            if (_tags.Count > 0 && !next.IsCompleted)
            {
                await Task.WhenAny(next, Task.Delay(Left(), terminal.Time, CancellationToken.None));
                if (!next.IsCompleted)
                    continue;
            }

            if (!await next || Kept >= count)
                break;
            await TakeAsync(source.Current);
            if (Kept >= count)
                break;
            next = MoveAsync(source, cancellation);
        }

        await SettleAsync(channel);
    }

    // Being cancelled is how following ends.
    private static async Task<bool> MoveAsync(IAsyncEnumerator<Arrival> source, CancellationToken cancellation)
    {
        try
        {
            return await source.MoveNextAsync();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private TimeSpan Left()
    {
        var left = store.Delay - terminal.Time.GetElapsedTime(_first);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }

    private async Task TakeAsync(Arrival arrival)
    {
        try
        {
            if (job is null || AnswerBody.Read(arrival.Body).JobId == job)
            {
                store.Add(arrival);
                Kept++;
            }
        }
        catch (JsonException error)
        {
            await unreadable.AddAsync(arrival, error.Message);
        }

        if (_tags.Count == 0)
            _first = terminal.Time.GetTimestamp();
        _tags.Add(arrival.Tag);
    }

    private async Task SettleAsync(IChannel channel)
    {
        await store.FlushAsync();
        await unreadable.FlushAsync();
        foreach (var tag in _tags)
            await channel.BasicAckAsync(tag, multiple: false, CancellationToken.None);
        _tags.Clear();
    }
}
