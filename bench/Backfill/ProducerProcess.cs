using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace VlWorker.Bench.Backfill;

/// <summary>The producer as a process of its own, watched.</summary>
internal sealed partial class ProducerProcess
{
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly List<(double Seconds, long Kilobytes)> _memory = [];
    private readonly long _started = Stopwatch.GetTimestamp();

    private ProducerProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Resident memory at most, MB of 10^6 bytes.</summary>
    public double PeakMegabytes => _memory.Count == 0 ? 0 : _memory.Max(sample => sample.Kilobytes) * 1024 / 1e6;

    /// <summary>Peak of the second half of the run by that of its first half, the first second left out.</summary>
    public double Growth
    {
        get
        {
            var steady = _memory.Where(sample => sample.Seconds > 1).Select(sample => sample.Kilobytes).ToList();
            return steady.Count < 4 ? 1 : steady.Skip(steady.Count / 2).Max() / (double)steady.Take(steady.Count / 2).Max();
        }
    }

    /// <summary>Starts it.</summary>
    public static ProducerProcess Start(string broker, params string[] args)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var program = Path.Combine(Repository.Root, "src", "Producer", "bin", configuration, "net10.0", "vl-producer.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. args]) { RedirectStandardError = true };
        start.Environment["VLWORKER_BROKER_URI"] = broker;
        return new ProducerProcess(Process.Start(start)!);
    }

    /// <summary>Waits for its end, and returns what it said.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task<string> FinishAsync()
    {
        var exit = _process.WaitForExitAsync();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        do
            Sample();
        while (await Task.WhenAny(exit, timer.WaitForNextTickAsync().AsTask()) != exit);
        var text = await _error;
        return _process.ExitCode == 0 ? text : throw new InvalidOperationException(text);
    }

    /// <summary>Waits until something has come of it.</summary>
    /// <exception cref="InvalidOperationException">It ended before.</exception>
    public Task UntilAsync(Func<Task<bool>> done) => Waiting.UntilAsync(
        async () => await done() || (_process.HasExited ? throw new InvalidOperationException(await _error) : false), TimeSpan.FromMilliseconds(5));

    /// <summary>Ends it at once.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>The figure of "N published and confirmed in S s".</summary>
    public static double Rate(string text)
    {
        var match = Summary().Match(text);
        return double.Parse(match.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)
            / double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
    }

    private void Sample()
    {
        try
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
            var kilobytes = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            _memory.Add((Stopwatch.GetElapsedTime(_started).TotalSeconds, kilobytes));
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            // It has just ended.
        }
    }

    [GeneratedRegex(@"([0-9,]+) published and confirmed in ([0-9.]+) s")]
    private static partial Regex Summary();
}
