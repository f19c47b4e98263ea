using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Backfill;

/// <summary>Lists a source into the job file, with where it goes on, batch by batch.</summary>
/// <param name="job">The job.</param>
/// <param name="source">The source.</param>
/// <param name="counters">Figures.</param>
/// <param name="patience">How long a store that went away is tried again.</param>
/// <param name="terminal">For faults and the clock.</param>
internal sealed class Scanner(JobFile job, IItemSource source, BackfillCounters counters, TimeSpan patience, Terminal terminal)
{
    private const int Batch = 500;
    private const int FaultsShown = 20;
    private const int FaultsKept = 1000;
    private static readonly TimeSpan FlushAfter = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly List<ListedItem> _items = new(Batch);
    private readonly List<SourceFault> _faults = [];
    private readonly TimeProvider _time = terminal.Time;
    private long _flushed;
    private string? _position;

    /// <summary>Lists to the end; what is listed already is not listed again.</summary>
    /// <exception cref="ProducerException">The source can't be read; what was listed so far is recorded.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        _flushed = _time.GetTimestamp();
        var progress = _flushed;
        var before = job.Position;
        while (!job.IsListed && job.Control != JobControl.Cancelled)
        {
            try
            {
                await ListAsync(stop);
            }
            catch (ProducerException error) when (error.ExitCode == ExitCode.Source)
            {
                // Only a source that has worked before is worth waiting for.
                Flush(isEnd: false, stop);
                if (job.Position != before)
                    (progress, before) = (_time.GetTimestamp(), job.Position);
                if (before is null || _time.GetElapsedTime(progress) > patience)
                    throw;
                await SayAsync($"{error.Message}; trying again");
                await Task.Delay(RetryAfter, _time, stop);
            }
        }
    }

    private async Task ListAsync(CancellationToken stop)
    {
        var settings = job.Settings.Source;
        var room = settings.Limit is { } limit ? limit - job.Seen : long.MaxValue;
        if (room > 0)
        {
            await foreach (var entry in source.ReadAsync(job.Position, stop))
            {
                _position = entry.Position;
                if (entry.Fault is { } fault)
                    await FaultAsync(fault);
                else if (ItemSources.Includes(settings, entry.Item!.Key))
                {
                    _items.Add(entry.Item);
                    room--;
                }

                if (_items.Count >= Batch || _time.GetElapsedTime(_flushed) > FlushAfter)
                {
                    Flush(isEnd: false, stop);
                    if (job.Control == JobControl.Cancelled)
                        return;
                }

                if (room == 0)
                    break;
            }
        }

        Flush(isEnd: true, stop);
    }

    private void Flush(bool isEnd, CancellationToken stop)
    {
        // Before the position behind them: nobody comes by them again.
        foreach (var fault in _faults)
            job.AddFault(fault.Place, fault.Message, FaultsKept);
        _faults.Clear();
        if (job.IsComparing)
        {
            job.Pass.Compare(_items, _position, isEnd, stop);
            if (isEnd)
                counters.Sync(job);
        }
        else
        {
            job.Add(_items, _position, isEnd);
            counters.Listed(_items.Count);
        }

        _items.Clear();
        _flushed = _time.GetTimestamp();
    }

    private async Task FaultAsync(SourceFault fault)
    {
        _faults.Add(fault);
        counters.Faulty();
        if (counters.Faults <= FaultsShown)
            await SayAsync($"line {fault.Place} of {job.Settings.Source} is left out: {fault.Message}");
        else if (counters.Faults == FaultsShown + 1)
            await SayAsync("more lines are left out; 'backfill report' names them");
    }

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {Printing.Plain.Line(text)}");
}
