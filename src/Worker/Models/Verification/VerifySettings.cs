using VlWorker.ModelKit;

namespace VlWorker.Models.Verification;

/// <summary>A model folder and which of its graphs to run.</summary>
internal sealed record ModelChoice(string Folder, ModelPrecision Precision = ModelPrecision.Auto);

/// <summary>What the user asked to be compared, and how.</summary>
/// <param name="Original">The model that is right.</param>
/// <param name="Candidate">The model that is to replace it.</param>
/// <param name="Images">The folder of images.</param>
internal sealed record VerifySettings(ModelChoice Original, ModelChoice Candidate, string Images)
{
    /// <summary>Images at most, in the order of their names; null takes all.</summary>
    public int? Limit { get; init; }

    /// <summary>Beams of both captioners; null takes each model's default.</summary>
    public int? Beams { get; init; }

    /// <summary>What both models are asked of each image; null leaves it to <see cref="Inference.SampleRows.Question"/>.</summary>
    public string? Question { get; init; }

    /// <summary>File of texts for the text towers, one a line.</summary>
    public string? Texts { get; init; }

    /// <summary>What the candidate must reach.</summary>
    public Thresholds Thresholds { get; init; } = new();

    /// <summary>Rounds in which speed is measured; 0 measures neither speed nor memory.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>Images a batch.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Folder of the reports.</summary>
    public string? Out { get; init; }

    /// <summary>Whether JSON is printed in place of the tables.</summary>
    public bool Json { get; init; }

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Images.Length == 0 || Original.Folder.Length == 0 || Candidate.Folder.Length == 0)
            yield return "ORIGINAL, CANDIDATE and --images take a folder";
        if (Question is not null && string.IsNullOrWhiteSpace(Question))
            yield return "--question is empty";
        if (Rounds is < 0 or > 1000)
            yield return "--rounds is outside 0 to 1000";
        if (Batch is < 1 or > 4096)
            yield return "--batch is outside 1 to 4096";
        foreach (var error in Thresholds.Check())
            yield return error;
        if (Thresholds.MinSpeedUp is not null && Rounds == 0)
            yield return "--min-speedup needs --rounds above 0";
    }
}
