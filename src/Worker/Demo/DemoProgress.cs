using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace VlWorker.Demo;

/// <summary>Shows how far a long step is: a bar on a terminal, a line now and then where the output goes to a file.</summary>
internal sealed class DemoProgress(IAnsiConsole console, TimeProvider time)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(2);

    /// <summary>Runs a step of known length.</summary>
    /// <param name="title">What happens.</param>
    /// <param name="unit">What is counted, for the rate; plural.</param>
    /// <param name="total">How many.</param>
    /// <param name="work">Calls its argument once for each that is done, from any thread.</param>
    public async Task RunAsync(string title, string unit, int total, Func<Action, Task> work)
    {
        var meter = new Meter(unit, total, time);
        if (total == 0)
            await work(meter.Count);
        else if (console.Profile.Capabilities.Interactive && console.Profile.Out.IsTerminal)
            await BarAsync(title, meter, work);
        else
            await LinesAsync(title, meter, work);
    }

    private Task BarAsync(string title, Meter meter, Func<Action, Task> work) => console.Progress()
        .AutoClear(false)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new MeterColumn(meter))
        .StartAsync(async context =>
        {
            var task = context.AddTask(title, maxValue: meter.Total);
            await work(() =>
            {
                meter.Count();
                task.Increment(1);
            });
        });

    private async Task LinesAsync(string title, Meter meter, Func<Action, Task> work)
    {
        var gate = new Lock();
        var last = time.GetTimestamp();
        await work(() =>
        {
            meter.Count();
            lock (gate)
            {
                if (meter.IsDone || time.GetElapsedTime(last) < BetweenLines)
                    return;
                last = time.GetTimestamp();
                console.Line($"{title}: {meter.Describe()}");
            }
        });
        console.Line($"{title}: {meter.Describe()}");
    }

    /// <summary>Counts, and knows the rate and the time that is left.</summary>
    internal sealed class Meter(string unit, int total, TimeProvider time)
    {
        private readonly long _started = time.GetTimestamp();
        private int _done;
        private long _last;

        public int Total => total;

        public bool IsDone => Volatile.Read(ref _done) == total;

        public void Count()
        {
            Interlocked.Increment(ref _done);
            Volatile.Write(ref _last, time.GetTimestamp());
        }

        public string Describe()
        {
            var done = Volatile.Read(ref _done);
            var elapsed = done == total && done > 0 ? time.GetElapsedTime(_started, Volatile.Read(ref _last)) : time.GetElapsedTime(_started);
            var rate = elapsed > TimeSpan.Zero ? done / elapsed.TotalSeconds : 0;
            var eta = done == total || rate <= 0 ? $"{elapsed.TotalSeconds:0.0} s" : $"ETA {Span(TimeSpan.FromSeconds((total - done) / rate))}";
            return string.Create(CultureInfo.InvariantCulture, $"{done:N0}/{total:N0}  {rate:N1} {unit}/s  {eta}");
        }

        private static string Span(TimeSpan span) => span.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}:{span:mm\\:ss}")
            : span.ToString("m\\:ss", CultureInfo.InvariantCulture);
    }

    private sealed class MeterColumn(Meter meter) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(meter.Describe());
    }
}
