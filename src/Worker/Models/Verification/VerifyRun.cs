using Spectre.Console;
using VlWorker.ModelKit;

namespace VlWorker.Models.Verification;

/// <summary>One run of <c>model verify</c>: open, measure, compare, judge, report.</summary>
internal sealed class VerifyRun(VerifySettings settings, IAnsiConsole console, TextWriter output, TextWriter error, TimeProvider time)
{
    /// <summary>Runs it.</summary>
    /// <returns>An exit code, see <see cref="ModelExit"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var errors = settings.Check().ToList();
            if (errors.Count > 0)
                throw new ModelCommandException(string.Join("; ", errors));
            var folder = settings.Out is { } path ? ReportFolder.Open(path) : null;
            var set = ImageSet.Open(settings, cancellation);
            if (set.Truth.Count == 0 && (settings.Thresholds.MinRecall ?? settings.Thresholds.MinTruth) is not null)
                throw new ModelCommandException($"--min-recall and --min-truth need a {ImageSet.TruthFile} beside the images");
            var found = await new Verifier(settings, error.WriteLine, time).CompareAsync(set, cancellation);
            var report = new VerificationReport(set.Folder, found, settings.Thresholds.Judge(found));
            folder?.Write(report, time.GetUtcNow());
            if (settings.Json)
                await output.WriteLineAsync(VerificationJson.Write(report));
            else
                new VerificationTables(console).Show(report, folder);
            return report.Good ? ModelExit.Good : ModelExit.Bad;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ModelExit.Interrupted;
        }
        catch (Exception fault) when (fault is ModelCommandException or ModelFolderException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"Error: {fault.Message}");
            return ModelExit.Unusable;
        }
    }
}

/// <summary>What was found, and whether it is good enough.</summary>
/// <param name="Images">The folder of images.</param>
/// <param name="Found">What was found.</param>
/// <param name="Checks">The thresholds.</param>
internal sealed record VerificationReport(string Images, Findings Found, IReadOnlyList<ThresholdCheck> Checks)
{
    /// <summary>Whether every threshold is kept.</summary>
    public bool Good => Checks.All(check => check.Good);
}
