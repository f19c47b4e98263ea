using System.Globalization;
using Spectre.Console;

namespace VlWorker.Producer.Backfill;

/// <summary>Shows how far a run is: a bar in a terminal, elsewhere a line now and then.</summary>
internal sealed class BackfillProgress(Terminal terminal, BackfillCounters counters)
{
    private static readonly TimeSpan BarEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(10);

    /// <summary>Weight of the past in the rate: half of it is forgotten in about ten seconds.</summary>
    private static readonly double HalfLife = TimeSpan.FromSeconds(10).TotalSeconds;

    private double _rate;
    private long _done;
    private long _at = terminal.Time.GetTimestamp();

    /// <summary>Shows until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        _done = counters.Now().Answered;
        if (terminal.IsInteractive && terminal.Width >= Terminal.Narrowest)
            await BarAsync(stop);
        else
            await LinesAsync(stop);
    }

    /// <summary>The figures in a line.</summary>
    internal string Line(Snapshot now)
    {
        Measure(now);
        var left = _rate > 0 && now.Unanswered > 0 ? TimeSpan.FromSeconds(Math.Min(now.Unanswered / _rate, 3.2e8)) : (TimeSpan?)null;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{now.Answered:N0} of {now.Listed:N0} done ({now.Described:N0} described, {now.Rejected:N0} rejected, {now.Dead:N0} dead), "
            + $"{now.InFlight:N0} in flight, {_rate:N1}/s{Left(left)}{(now.Refused > 0 ? ", the queue was full" : "")}");
    }

    private static string Left(TimeSpan? left) => left switch
    {
        null => "",
        { TotalDays: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $", {(int)time.TotalDays} d {time.Hours} h left"),
        { TotalHours: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $", {time.Hours} h {time.Minutes} min left"),
        { } time => string.Create(CultureInfo.InvariantCulture, $", {time.Minutes} min {time.Seconds} s left"),
    };

    private void Measure(Snapshot now)
    {
        var seconds = terminal.Time.GetElapsedTime(_at).TotalSeconds;
        if (seconds <= 0)
            return;
        var weight = Math.Pow(0.5, seconds / HalfLife);
        var current = Math.Max(0, now.Answered - _done) / seconds;
        _rate = _rate == 0 ? current : (weight * _rate) + ((1 - weight) * current);
        (_done, _at) = (now.Answered, terminal.Time.GetTimestamp());
    }

    private async Task LinesAsync(CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(LineEvery, terminal.Time, stop);
            await terminal.Error.WriteLineAsync($"vl-producer: {Line(counters.Now())}");
        }
    }

    private async Task BarAsync(CancellationToken stop)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Error) });
        console.Profile.Width = terminal.Width;
        await console.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                var task = context.AddTask("listing");
                while (!stop.IsCancellationRequested)
                {
                    var now = counters.Now();
                    task.MaxValue = Math.Max(now.Listed, 1);
                    task.Value = now.Answered;
                    task.Description = Markup.Escape(Line(now));
                    await Task.Delay(BarEvery, terminal.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            });
    }
}
