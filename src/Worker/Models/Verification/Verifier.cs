namespace VlWorker.Models.Verification;

/// <summary>Compares two models over a set of images: results, then speed, then memory.</summary>
/// <param name="settings">What is compared, and how; thresholds and reports are of no interest here.</param>
/// <param name="progress">Told now and then how far it is.</param>
/// <param name="time">Measures the speed.</param>
internal sealed class Verifier(VerifySettings settings, Action<string> progress, TimeProvider time)
{
    /// <summary>Runs it.</summary>
    /// <exception cref="ModelKit.ModelFolderException">A folder can't be used.</exception>
    /// <exception cref="ModelCommandException">The models or the images can't be compared.</exception>
    public async Task<Findings> CompareAsync(ImageSet set, CancellationToken cancellation)
    {
        using var original = ComparedModel.Load(settings.Original, settings.Beams, settings.Question);
        using var candidate = ComparedModel.Load(settings.Candidate, settings.Beams, settings.Question);
        if (original.Facts.Family != candidate.Facts.Family)
        {
            throw new ModelCommandException(
                $"the original is a {original.Facts.Family}, the candidate a {candidate.Facts.Family}: they can't be compared");
        }

        using var feed = new ImageFeed(set, original.Plan, candidate.Plan);
        var found = await new ModelComparison(original, candidate, set, settings.Batch)
            .RunAsync(feed, seen => progress($"{seen} of {set.Names.Count} images compared"), cancellation);
        if (settings.Rounds == 0)
            return found;
        var images = await feed.FirstAsync(SpeedRace.MostImages, cancellation);
        try
        {
            var race = new SpeedRace(images, settings.Batch, time);
            progress($"measuring the speed of {images.Count} images, {settings.Rounds} rounds each");
            found = found with { Speed = race.Run(original, candidate, settings.Rounds, cancellation) };
            original.Dispose();
            candidate.Dispose();
            progress("measuring memory");
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
        using var model = ComparedModel.Load(choice, settings.Beams, settings.Question);
        race.Touch(model, isOriginal, cancellation);
        return Math.Max(0, ResidentMemory.Now() - before);
    }
}
