namespace VlWorker.Bench.Inference;

/// <summary>One of those that take turns: a way of captioning all images at one batch size.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Batch">Its batch size.</param>
/// <param name="RoundAsync">Captions all images once.</param>
internal sealed record Contestant(string Name, int Batch, Func<Task<RoundFigure>> RoundAsync)
{
    /// <summary>What the rounds gave.</summary>
    public List<RoundFigure> Figures { get; } = [];

    /// <summary>Images a second, the median of the rounds.</summary>
    public double PerSecond => Median(static figure => figure.PerSecond) ?? 0;

    /// <summary>The median of something that may not have been measured.</summary>
    public double? Median(Func<RoundFigure, double?> value)
    {
        double[] measured = [.. Figures.Select(value).OfType<double>()];
        return measured.Length == 0 ? null : Statistics.Median(measured);
    }
}

/// <summary>One round.</summary>
/// <param name="PerSecond">Images a second.</param>
/// <param name="CpuMs">Processor time an image in ms; null for what runs in a process of its own.</param>
/// <param name="Kilobytes">Managed memory allocated an image; null for what runs in a process of its own.</param>
/// <param name="Correct">Captions equal to the truth; null where it is not looked at.</param>
internal sealed record RoundFigure(double PerSecond, double? CpuMs, double? Kilobytes, int? Correct);
