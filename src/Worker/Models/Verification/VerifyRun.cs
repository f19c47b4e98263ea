using System.Globalization;
using Spectre.Console;
using VlWorker.Inference;
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
            var found = await CompareAsync(set, cancellation);
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

    private async Task<Findings> CompareAsync(ImageSet set, CancellationToken cancellation)
    {
        using var original = ComparedModel.Load(settings.Original, settings.Beams);
        using var candidate = ComparedModel.Load(settings.Candidate, settings.Beams);
        if (original.Facts.Family != candidate.Facts.Family)
            throw new ModelCommandException($"the original is a {original.Facts.Family}, the candidate a {candidate.Facts.Family}: they can't be compared");
        using var feed = new ImageFeed(set, original.Plan, candidate.Plan);
        var found = await new ModelComparison(original, candidate, set, settings.Batch)
            .RunAsync(feed, seen => Progress($"{seen} of {set.Names.Count} images compared"), cancellation);
        if (settings.Rounds == 0)
            return found;
        var images = await feed.FirstAsync(SpeedRace.MostImages, cancellation);
        try
        {
            var race = new SpeedRace(images, settings.Batch, time);
            Progress($"measuring the speed of {images.Count} images, {settings.Rounds} rounds each");
            found = found with { Speed = race.Run(original, candidate, settings.Rounds, cancellation) };
            original.Dispose();
            candidate.Dispose();
            Progress("measuring memory");
            return found with
            {
                Original = found.Original with { ResidentBytes = Growth(settings.Original, race, true, cancellation) },
                Candidate = found.Candidate with { ResidentBytes = Growth(settings.Candidate, race, false, cancellation) },
            };
        }
        finally
        {
            images.ForEach(image => image.Dispose());
        }
    }

    // Both models have been loaded and disposed of before, so what the engine itself needs is charged to neither.
    private long Growth(ModelChoice choice, SpeedRace race, bool isOriginal, CancellationToken cancellation)
    {
        var before = ResidentMemory.Settled();
        using var model = ComparedModel.Load(choice, settings.Beams);
        race.Touch(model, isOriginal, cancellation);
        return Math.Max(0, ResidentMemory.Now() - before);
    }

    private void Progress(string text) => error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text}"));
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
