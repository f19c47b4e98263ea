using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using VlWorker.Fuzzing;

namespace VlWorker.Bench.Fuzzing;

/// <summary>Damaged files for the readers of model files, for as long as it is told to.</summary>
internal static class FuzzCommand
{
    private static readonly Option<int> Seconds = new("--seconds") { Description = "How long, all readers together.", DefaultValueFactory = _ => 60 };
    private static readonly Option<int> Seed = new("--seed") { Description = "The same seed gives the same inputs.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Output = new("--output")
    {
        Description = "File for the results.",
        DefaultValueFactory = _ => Path.Combine(Repository.Root, "bench", "results", "fuzz.md"),
    };

    private const string Description = "Give the readers of model files damaged ones. Exit code: 1 if a reader fails to refuse them properly.";

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("fuzz", Description) { Seconds, Seed, Output };
        command.SetAction(result => Run(TimeSpan.FromSeconds(result.GetValue(Seconds)), result.GetValue(Seed), result.GetValue(Output)));
        return command;
    }

    private static int Run(TimeSpan time, int seed, string? output)
    {
        var folder = Directory.CreateTempSubdirectory("vlworker-fuzz-").FullName;
        try
        {
            using var report = new Report("Readers of model files, fuzzed", output);
            report.Line(
                $"{time.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds from seed {seed}. An input is a real file with up to six injuries: "
                + "bits, numbers, lengths, cuts, pieces repeated or taken from elsewhere. A reader may refuse it with InvalidDataException that names the "
                + "file. Everything else counts as a failure: another exception, more than 20 seconds, or more than "
                + $"{FuzzRun.MostBytesAllocated} bytes allocated for each of the input's. A stack overflow would have ended the run.");
            var targets = FuzzTarget.All(folder);
            var failures = targets.Sum(target => Run(target, time / targets.Count, seed, report));
            return failures == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static int Run(FuzzTarget target, TimeSpan time, int seed, Report report)
    {
        var run = new FuzzRun(target, seed);
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < time)
            run.Next();
        report.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{target.Name}: {run.Inputs:N0} inputs in {Stopwatch.GetElapsedTime(started).TotalSeconds:N0} s, {run.Accepted:N0} of them readable still; "
            + $"failures {run.Failures.Count}; slowest {run.Slowest.TotalMilliseconds:N0} ms; most memory allocated {run.MostAllocated / 1e6:N1} MB"));
        foreach (var failure in run.Failures)
            report.Line(failure);
        return run.Failures.Count;
    }
}
