using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using VlWorker.Fuzzing;

namespace VlWorker.Bench.Fuzzing;

/// <summary>Damaged inputs for the readers of model files, messages and images, for as long as it is told to.</summary>
internal static class FuzzCommand
{
    private static readonly Option<int> Seconds = new("--seconds") { Description = "How long, all readers together.", DefaultValueFactory = _ => 60 };
    private static readonly Option<int> Seed = new("--seed") { Description = "The same seed gives the same inputs.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Output = new("--output")
    {
        Description = "File for the results.",
        DefaultValueFactory = _ => Path.Combine(Repository.Root, "bench", "results", "fuzz.md"),
    };

    private const string Description = "Give the readers of model files, messages and images damaged ones. Exit code: 1 if a reader fails to refuse them properly.";

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
            using var report = new Report("Readers of model files, messages and images, fuzzed", output);
            report.Line(
                $"{time.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds from seed {seed}. An input is a real file with up to six injuries: "
                + "bits, numbers, lengths, cuts, pieces repeated or taken from elsewhere. A reader may refuse it: a file with InvalidDataException "
                + "that names it, a message or an image with a rejection or as a dead letter. "
                + "Everything else counts as a failure: another exception, more than 20 seconds, or more than "
                + $"{FuzzRun.MostBytesAllocated} bytes allocated for each of the input's (images: 64 MB beside), or memory that is not given back. "
                + "A stack overflow, or a crash of a native library, would have ended the run.");
            var images = Images();
            IReadOnlyList<FuzzTarget> targets = [.. FuzzTarget.All(folder), InputTargets.Messages(folder), InputTargets.Images(folder, images)];
            report.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"Corpus: {string.Join(", ", targets.Select(target => $"{target.Originals.Count} {target.Name}"))}; "
                + $"the images are those of tests/Worker.Tests/Decoding/Golden and samples/ below 64 KB."));
            var failures = targets.Sum(target => Run(target, time / targets.Count, seed, report));
            return failures == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static List<byte[]> Images()
    {
        const int most = 64 << 10;
        var golden = Path.Combine(Repository.Root, "tests", "Worker.Tests", "Decoding", "Golden");
        var images = Directory.EnumerateFiles(Path.Combine(golden, "images"))
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples"), "*.*"))
            .Where(file => !file.EndsWith(".json", StringComparison.Ordinal) && new FileInfo(file).Length <= most)
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();
        using var archive = ZipFile.OpenRead(Path.Combine(golden, "formats.zip"));
        foreach (var entry in archive.Entries.Where(entry => entry.Length is > 0 and <= most))
        {
            using var stream = entry.Open();
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            images.Add(copy.ToArray());
        }

        return images;
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
